/** How the probabilities of a model become crypts, as chosen on validation images. */

/** What is absent has the default of inference. */
export interface Decision {
  /** Probabilities above it are crypt. */
  threshold?: number;
  /** Crypts grow from where p(interior) - p(boundary) is at least this. */
  interior?: number;
  /** Crypts of a lower mean probability are left out. */
  minProbability?: number;
  /** The smallest crypt in µm². */
  minAreaUm2?: number;
}
