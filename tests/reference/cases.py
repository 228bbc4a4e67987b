"""Small files as ordinary programs write them, with the right values: tests/reference/cases/.

Made once with Python 3.11 and these versions (the files are committed, tests do not need Python):

    pip install numpy==2.4.6 tifffile==2026.3.3 imagecodecs==2026.3.6 pillow==13.0.0 pandas==3.1.1
    python tests/reference/cases.py
"""

import gzip
import json
from pathlib import Path

import numpy as np
import pandas
import tifffile
from PIL import Image, ImageCms

OUT = Path(__file__).parent / "cases"
OUT.mkdir(exist_ok=True)
CASES: list[dict] = []

# A smooth image (so that lossy files stay small) and three regions, one of them in two pieces.
H, W = 40, 56
Y, X = np.mgrid[0:H, 0:W]
RGB = np.stack([100 + 2 * X, 220 - 3 * Y, 60 + X + 2 * Y], axis=2).astype(np.uint8)
LABELS = np.zeros((H, W), np.uint8)
LABELS[4:14, 4:20] = 1
LABELS[20:36, 30:50] = 2
LABELS[20:36, 4:12] = 3
LABELS[20:36, 14:20] = 3
CRYPT = int((LABELS > 0).sum())
MASK = (LABELS > 0).astype(np.uint8) * 255


def case(file: str, kind: str, why: str, **expected) -> str:
    CASES.append({"file": file, "kind": kind, "why": why, **expected})
    return str(OUT / file)


def image(file: str, why: str, data=RGB, expected=None, **options) -> None:
    tifffile.imwrite(case(file, "image", why, **(expected or {})), data, **{"photometric": "rgb", "compression": "deflate", "predictor": data.dtype.kind == "u", **options})


def mask(file: str, why: str, data, expected=None, **options) -> None:
    expected = {"crypt": CRYPT} if expected is None else expected
    tifffile.imwrite(case(file, "mask", why, **expected), data, **{"photometric": "minisblack", "compression": None if data.dtype == bool else "deflate", **options})


# --- images: how they are stored
for name in ["lzw", "deflate", "packbits"]:
    image(f"i_{name}.tif", f"{name} strips", compression=name, predictor=name != "packbits", rowsperstrip=8)
    image(f"i_{name}_tiles.tif", f"{name} tiles", compression=name, predictor=name != "packbits", tile=(16, 16))
image("i_big_endian.tif", "BigTIFF, big-endian, not compressed", bigtiff=True, byteorder=">", compression=None, predictor=False)
image("i_planar.tif", "one plane per colour, in strips", np.moveaxis(RGB, 2, 0), planarconfig="separate")
image("i_planar_tiles.tif", "one plane per colour, in tiles", np.moveaxis(RGB, 2, 0), planarconfig="separate",
      tile=(16, 16), expected={"refused": "stores each colour in tiles of its own"})
for name, called in [("zstd", "Zstandard"), ("jpeg2000", "JPEG 2000"), ("lerc", "LERC"), ("jpegxl", "JPEG XL"), ("lzma", "LZMA")]:
    image(f"i_{name}.tif", f"compressed with {called}", compression=name, predictor=False, expected={"refused": f"compressed with {called}"})
Image.fromarray(RGB).save(case("i_jpeg2000.jp2", "image", "JPEG 2000", refused="is a JPEG 2000 file"))
image("i_16.tif", "16 bits, full range", RGB.astype(np.uint16) * 257)
image("i_12.tif", "12 bits in 16", RGB.astype(np.uint16) * 16, expected={"refused": "16-bit samples, but none over"})
image("i_float.tif", "floats", RGB.astype(np.float32) / 255, expected={"refused": "found float pixels"})
image("i_alpha.tif", "opaque alpha", np.dstack([RGB, np.full((H, W), 255, np.uint8)]), extrasamples=["unassalpha"])
image("i_transparent.tif", "transparent pixels", np.dstack([RGB, LABELS]), extrasamples=["unassalpha"],
      expected={"refused": "has transparent pixels"})
image("i_grey_16.tif", "grey of 16 bits", RGB[:, :, 0].astype(np.uint16) * 257, photometric="minisblack", expected={"grey": True})
image("i_grey.tif", "grey", RGB[:, :, 0], photometric="minisblack", expected={"grey": True})
image("i_channels.tif", "three grey pages", np.moveaxis(RGB, 2, 0), photometric="minisblack",
      expected={"refused": "3 grey pages of the same size"})
Image.fromarray(RGB).convert("CMYK").save(case("i_cmyk.tif", "image", "CMYK", refused="another colour space"))
Image.fromarray(RGB).save(case("i_pillow.tif", "image", "Pillow's LZW"), compression="tiff_lzw")
srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
Image.fromarray(RGB).save(case("i_profile.png", "image", "a PNG with a profile"), icc_profile=srgb)
Image.fromarray(MASK > 0).save(case("i_bits.tif", "image", "one bit", refused="one bit a pixel"))

Image.fromarray(RGB).save(case("i_orientation.tif", "image", "an orientation tag, which Pillow does not apply"), tiffinfo={274: 6})
Image.fromarray(np.dstack([RGB[:, :, 0], np.full((H, W), 255, np.uint8)])).save(case("i_grey_alpha.png", "image", "grey and opaque alpha", grey=True))
tifffile.imwrite(case("i_pages.tif", "image", "two pages", notice="2 pages of the same size"), np.stack([RGB, 255 - RGB]), photometric="rgb", compression="deflate")
few = Image.fromarray(RGB // 64 * 64).quantize(64)
few.save(case("i_palette.png", "image", "a palette", same="i_palette_rgb.png"))
few.convert("RGB").save(case("i_palette_rgb.png", "image", "the colours of a palette", same="i_palette.png"))

# --- images: the size of their pixels
def sized(file: str, why: str, size, notice=None, **options) -> None:
    image(file, why, expected={"pixelSize": size, **({"notice": notice} if notice else {})}, metadata=None, **options)


def aperio(mpp: str) -> str:
    return f"Aperio Image Library v12.0 \r\n56x40|AppMag = 20|MPP = {mpp}|Filename = 1"


def ome(attributes: str) -> str:
    return f'<?xml version="1.0"?><OME><Image ID="Image:0"><Pixels ID="Pixels:0" {attributes}/></Image></OME>'


sized("p_aperio.tif", "Aperio", 0.499, description=aperio("0.4990"))
sized("p_aperio_comma.tif", "Aperio with a decimal comma", 0.499, description=aperio("0,4990"))
sized("p_aperio_zero.tif", "Aperio without a value", None, description=aperio("0.0"))
for unit, value in [("nm", "500"), ("µm", "0.5"), ("mm", "0.0005"), ("cm", "0.00005"), ("inch", "0.00001968504")]:
    key = {"µm": "um"}.get(unit, unit)
    sized(f"p_ome_{key}.tif", f"OME in {unit}", 0.5, description=ome(f'PhysicalSizeX="{value}" PhysicalSizeXUnit="{unit}"').encode())
sized("p_ome_default.tif", "OME without unit: its schema says µm", 0.25, description=ome('PhysicalSizeX="0.25"'))
sized("p_ome_pixel.tif", "OME in pixels", None, description=ome('PhysicalSizeX="1" PhysicalSizeXUnit="pixel"'))
sized("p_ome_nan.tif", "OME's NaN", None, description=ome('PhysicalSizeX="NaN"'))
sized("p_cm.tif", "pixels per centimetre", 0.5, resolution=(20000, 20000), resolutionunit="centimeter")
sized("p_inch.tif", "pixels per inch", 0.5, resolution=(50800, 50800), resolutionunit="inch")
sized("p_none.tif", "no unit", None, resolution=(20000, 20000), resolutionunit="none")
sized("p_300.tif", "a program's default", None, resolution=(300, 300), resolutionunit="inch")
sized("p_imagej.tif", "ImageJ in micron", 0.5, description="ImageJ=1.54f\nunit=micron\n", resolution=(2, 2), resolutionunit="none")
sized("p_small.tif", "a pixel of 1 nm", 0.001, notice="0.001 µm per pixel", description=aperio("0.001"))
sized("p_large.tif", "a pixel of 65 µm", 65, notice="65 µm per pixel", description=aperio("65"))

# --- masks: one value
mask("m_255.tif", "0/255", MASK)
mask("m_1.tif", "0/1", MASK // 255)
mask("m_128.tif", "0/128", MASK // 2 + MASK % 2)
mask("m_bool.tif", "a boolean array: MinIsWhite", MASK > 0, photometric=None)
mask("m_bool_black.tif", "a boolean array: MinIsBlack", MASK > 0)
mask("m_white.tif", "labels, called MinIsWhite by tifffile", LABELS, photometric="miniswhite", expected={"crypt": CRYPT, "labels": 3})
mask("m_white_other.tif", "MinIsWhite by another program", 255 - MASK, photometric="miniswhite", software="Scanner 1.0", metadata=None,
     expected={"refused": "calls 0 white"})
mask("m_rgb.tif", "0/255 in three channels", np.dstack([MASK] * 3), photometric="rgb")
mask("m_red.tif", "red on black", np.dstack([MASK, 0 * MASK, 0 * MASK]), photometric="rgb")
mask("m_white_red.tif", "red on white", np.dstack([0 * MASK + 255, 255 - MASK, 255 - MASK]), photometric="rgb",
     expected={"refused": "several colours but no black"})
Image.fromarray(MASK > 0).save(case("m_pillow_bits.tif", "mask", "Pillow's one bit", crypt=CRYPT))
Image.fromarray(MASK > 0).save(case("m_pillow_g4.tif", "mask", "Group 4 fax", crypt=CRYPT), compression="group4")
Image.fromarray(MASK > 0).save(case("m_bits.png", "mask", "one bit", crypt=CRYPT))
Image.fromarray(MASK).save(case("m_lossy.jpg", "mask", "a JPEG of 0/255", crypt=CRYPT, near=12), quality=80)
mask("m_lossy.tif", "JPEG in TIFF", MASK, compression="jpeg", expected={"crypt": CRYPT, "near": 12})
Image.fromarray(LABELS * 30).save(case("m_lossy_dark.jpg", "mask", "a JPEG of 0..90", refused="at most \\d+ bright"), quality=80)

# --- masks: labels
for dtype in ["uint8", "uint16", "int8", "int16", "int32", "uint32", "float32"]:
    mask(f"m_labels_{dtype}.tif", f"labels as {dtype}", LABELS.astype(dtype), expected={"crypt": CRYPT, "labels": 3})
mask("m_labels_700.tif", "16-bit labels over 255", np.where(LABELS == 2, 700, LABELS).astype(np.uint16), expected={"crypt": CRYPT, "labels": 3})
mask("m_labels_rgb.tif", "labels in three channels", np.dstack([LABELS] * 3), photometric="rgb", expected={"crypt": CRYPT, "labels": 3})
mask("m_labels_int64.tif", "64 bits", LABELS.astype(np.int64), expected={"refused": "samples out of range"})
mask("m_negative.tif", "a negative label", LABELS.astype(np.int16) - 1, expected={"refused": "found -1"})
mask("m_probability.tif", "probabilities", LABELS.astype(np.float32) / 4, expected={"refused": "found 0.25"})
mask("m_levels.tif", "three grey levels", LABELS * 85, expected={"refused": "has the values 0, 85, 170, 255"})
# void is a band of a pixel on both sides of each outline, as in Pascal VOC
# (which closes the gap of the third region: it is closed here from the start)
WHOLE = LABELS.copy()
WHOLE[20:36, 4:20] = 3
grown, shrunk = np.zeros_like(WHOLE), WHOLE.copy()
for dy in (-1, 0, 1):
    for dx in (-1, 0, 1):
        moved = np.roll(WHOLE, (dy, dx), (0, 1))
        grown = np.maximum(grown, moved)
        shrunk[moved != WHOLE] = 0
VOID = np.where(grown > 0, np.where(shrunk > 0, WHOLE, 255), 0).astype(np.uint8)
mask("m_void.tif", "labels and void 255", VOID, expected={"crypt": CRYPT + 32, "labels": 3})
soft = np.asarray(Image.fromarray(MASK).resize((W * 2, H * 2), Image.BICUBIC).resize((W, H), Image.BICUBIC))
mask("m_soft.tif", "soft edges", soft, expected={"crypt": CRYPT, "near": 40, "notice": "soft edges"})

mask("m_pages.tif", "a page for each region", np.stack([MASK, MASK]), expected={"refused": "2 pages of the same size"})
Image.fromarray(LABELS.astype(np.uint16) * 300).save(case("m_labels_16.png", "mask", "16-bit labels in a PNG", crypt=CRYPT, labels=3))
Image.fromarray(np.dstack([LABELS, LABELS * 0 + 255])).save(case("m_labels_alpha.png", "mask", "labels and opaque alpha", crypt=CRYPT, labels=3))
Image.fromarray(LABELS).save(case("m_labels.jpg", "mask", "a JPEG of labels", refused="at most \\d+ bright"), quality=95)

Image.fromarray(np.dstack([MASK * 0 + 9, MASK])).save(case("m_grey_alpha.png", "mask", "one grey, the mask is in alpha", crypt=CRYPT))

# --- masks: palettes and alpha
def palette(file: str, why: str, data, colours, expected, **options) -> None:
    picture = Image.fromarray(data, "P")
    picture.putpalette(sum(colours, []))
    picture.save(case(file, "mask", why, **expected), **options)


WHITE_FIRST = [[255, 255, 255], [0, 0, 0], [0, 255, 0], [255, 0, 0]]
for suffix in ["png", "tif"]:
    palette(f"m_palette.{suffix}", "a palette whose 0 is white", LABELS, WHITE_FIRST + [[0, 0, 0]] * 252, {"crypt": CRYPT, "labels": 3})
palette("m_palette_4.png", "a palette of four bits", LABELS, WHITE_FIRST + [[9, 9, 9]] * 12, {"crypt": CRYPT, "labels": 3}, bits=4)
palette("m_palette_1.png", "a palette of one bit", LABELS.clip(0, 1), WHITE_FIRST[:2], {"crypt": CRYPT}, bits=1)
palette("m_voc.png", "Pascal VOC: 255 is void", VOID, WHITE_FIRST + [[224, 224, 192]] * 252, {"crypt": CRYPT + 32, "labels": 3})
palette("m_palette_clear.png", "a palette whose 0 is transparent", LABELS, WHITE_FIRST + [[0, 0, 0]] * 252, {"crypt": CRYPT, "labels": 3}, transparency=0)
Image.fromarray(np.dstack([MASK * 0 + 255] * 3 + [MASK])).save(case("m_alpha.png", "mask", "the mask is in alpha", crypt=CRYPT))
Image.fromarray(np.dstack([MASK] * 3 + [MASK * 0 + 255])).save(case("m_opaque.png", "mask", "opaque alpha", crypt=CRYPT))
overlay = np.dstack([MASK * 0 + 255, 255 - LABELS, 255 - MASK, MASK])
Image.fromarray(overlay).save(case("m_overlay.png", "mask", "colours on transparent white", crypt=CRYPT))

# --- masks: how much they cover
mask("m_full.tif", "nearly all", np.where((X == 0) & (Y < 9), 0, 255).astype(np.uint8), expected={"crypt": H * W - 9, "notice": "covers 99.60 %"})
mask("m_none.tif", "nothing", MASK * 0, expected={"crypt": 0, "notice": "has no crypt pixel"})

# --- tables
frame = pandas.DataFrame({"id": ["007", "1e3"], "rle": ["1 3 9 2", None]})
frame.to_csv(case("t_pandas.csv", "table", "pandas: an empty cell", rows=[["007", "1 3 9 2"], ["1e3", None]]), index=False)
frame.to_csv(case("t_index.csv", "table", "pandas with its index", rows=[["007", "1 3 9 2"], ["1e3", None]]))
frame.to_csv(case("t_windows.csv", "table", "quotes and CRLF", rows=[["007", "1 3 9 2"], ["1e3", None]]), index=False, quoting=1, lineterminator="\r\n")
frame.to_csv(case("t_bom.csv", "table", "a byte order mark", rows=[["007", "1 3 9 2"], ["1e3", None]]), index=False, encoding="utf-8-sig")
frame.to_csv(case("t_utf16.csv", "table", "UTF-16", refused="is UTF-16"), index=False, encoding="utf-16")
frame.replace("007", "übung").to_csv(case("t_latin1.csv", "table", "Latin-1", refused="line 2 is no UTF-8"), index=False, encoding="latin-1")
frame.to_csv(case("t_semicolons.csv", "table", "semicolons", refused="separated by semicolons"), index=False, sep=";")

(OUT / "cases.json").write_text(json.dumps(CASES, indent=1, ensure_ascii=False) + "\n")
(OUT / "rgb.bin.gz").write_bytes(gzip.compress(RGB.tobytes(), mtime=0))
print(len(CASES), "cases,", sum(f.stat().st_size for f in OUT.iterdir()), "bytes")
