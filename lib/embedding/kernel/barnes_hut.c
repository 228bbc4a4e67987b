/*
 * The two forces of t-SNE on points in the plane: repulsion by the Barnes-Hut algorithm (van der
 * Maaten 2014), attraction along the edges of a neighbour graph.
 */

/* Points of a leaf: below this number pairs are cheaper than further cells. */
#define LEAF 8
/*
 * Cells of points that (nearly) coincide are not divided for ever. A level has at most n / 9 cells
 * that are divided and all levels at most n leaves: below 6 n cells in all.
 */
#define DEPTH 40

typedef struct {
  /* Centre of mass, number of points, squared side. */
  double x, y, mass, side2;
  /* The next cell that is not inside this one; cells lie in preorder, so a child is the next. */
  int next;
  /* Range of its points in the sorted order. */
  int from, to, leaf;
} Cell;

typedef struct {
  /* Coordinates by row and in the tree's order, and the row of each place of that order. */
  const double *xy;
  double *sorted;
  int *order;
  Cell *cells;
  int used;
} Tree;

static void swap(int *order, int a, int b) {
  int t = order[a];
  order[a] = order[b];
  order[b] = t;
}

/* Moves the rows of [from, to) whose coordinate is below `middle` to the front; where they end. */
static int divide(Tree *t, int from, int to, int axis, double middle) {
  while (from < to) {
    if (t->xy[2 * t->order[from] + axis] < middle) from++;
    else swap(t->order, from, --to);
  }
  return from;
}

/* The cell with middle (x, y) and half side h over [from, to), and all below it. */
static void grow(Tree *t, int from, int to, double x, double y, double h, int depth) {
  Cell *cell = t->cells + t->used++;
  cell->from = from;
  cell->to = to;
  cell->mass = to - from;
  cell->side2 = 4 * h * h;
  cell->leaf = to - from <= LEAF || depth == DEPTH;
  double sx = 0, sy = 0;
  for (int i = from; i < to; i++) {
    sx += t->xy[2 * t->order[i]];
    sy += t->xy[2 * t->order[i] + 1];
  }
  cell->x = sx / (to - from);
  cell->y = sy / (to - from);
  if (!cell->leaf) {
    int right = divide(t, from, to, 0, x);
    int low = divide(t, from, right, 1, y), high = divide(t, right, to, 1, y);
    int ends[5] = {from, low, right, high, to};
    for (int q = 0; q < 4; q++) {
      double dx = q < 2 ? -h / 2 : h / 2, dy = q % 2 ? h / 2 : -h / 2;
      if (ends[q] < ends[q + 1]) grow(t, ends[q], ends[q + 1], x + dx, y + dy, h / 2, depth + 1);
    }
  }
  cell->next = t->used;
}

__attribute__((export_name("cell_bytes"))) int cell_bytes(void) { return sizeof(Cell); }

/*
 * Builds the tree of xy [n, 2] in `cells` (room for 6 n + 1); `order` holds a permutation of the
 * rows and gets the tree's. Returns the number of cells.
 */
__attribute__((export_name("build_tree"))) int build_tree(const double *xy, int n, int *order,
                                                          double *sorted, Cell *cells) {
  double low[2] = {xy[0], xy[1]}, high[2] = {xy[0], xy[1]};
  for (int i = 0; i < n; i++) {
    for (int d = 0; d < 2; d++) {
      double v = xy[2 * i + d];
      if (v < low[d]) low[d] = v;
      if (v > high[d]) high[d] = v;
    }
  }
  double wide = high[0] - low[0], tall = high[1] - low[1], h = (wide > tall ? wide : tall) / 2;
  Tree t = {xy, sorted, order, cells, 0};
  grow(&t, 0, n, (low[0] + high[0]) / 2, (low[1] + high[1]) / 2, h, 0);
  for (int i = 0; i < n; i++) {
    sorted[2 * i] = xy[2 * order[i]];
    sorted[2 * i + 1] = xy[2 * order[i] + 1];
  }
  return t.used;
}

/*
 * For the places [from, to) of the tree's order: force[row] = sum_j k_ij^2 (y_i - y_j) with
 * k = 1 / (1 + distance^2), and the sum of all k_ij, j != i, which is returned. A cell whose side is
 * below theta times its distance counts as its centre of mass.
 */
__attribute__((export_name("repel"))) double repel(const double *sorted, const int *order,
                                                   const Cell *cells, int used, int from, int to,
                                                   double theta, double *force) {
  double all = 0, theta2 = theta * theta;
  for (int i = from; i < to; i++) {
    double x = sorted[2 * i], y = sorted[2 * i + 1], fx = 0, fy = 0, sum = 0;
    for (int c = 0; c < used;) {
      const Cell *cell = cells + c;
      double dx = x - cell->x, dy = y - cell->y, d2 = dx * dx + dy * dy;
      if (cell->side2 < theta2 * d2) {
        double k = 1 / (1 + d2), m = cell->mass * k;
        sum += m;
        fx += m * k * dx;
        fy += m * k * dy;
        c = cell->next;
      } else if (cell->leaf) {
        for (int j = cell->from; j < cell->to; j++) {
          double ex = x - sorted[2 * j], ey = y - sorted[2 * j + 1];
          double k = 1 / (1 + ex * ex + ey * ey);
          sum += k;
          fx += k * k * ex;
          fy += k * k * ey;
        }
        c = cell->next;
      } else {
        c++;
      }
    }
    /* The point met itself in its own leaf. */
    all += sum - 1;
    force[2 * order[i]] = fx;
    force[2 * order[i] + 1] = fy;
  }
  return all;
}

/* force[i] = sum over the edges of row i of p k (y_i - y_j); edges of row i: starts[i] .. starts[i + 1]. */
__attribute__((export_name("attract"))) void attract(const double *xy, int n, const int *starts,
                                                     const int *ends, const double *p,
                                                     double *force) {
  for (int i = 0; i < n; i++) {
    double x = xy[2 * i], y = xy[2 * i + 1], fx = 0, fy = 0;
    for (int e = starts[i]; e < starts[i + 1]; e++) {
      double dx = x - xy[2 * ends[e]], dy = y - xy[2 * ends[e] + 1];
      double f = p[e] / (1 + dx * dx + dy * dy);
      fx += f * dx;
      fy += f * dy;
    }
    force[2 * i] = fx;
    force[2 * i + 1] = fy;
  }
}
