//! The eigenvalue algorithm of Jacobi for symmetric matrices, which needs no library of linear algebra.

use ndarray::{Array1, Array2, ArrayViewMut2, Zip, s};

pub(crate) struct Solved {
    pub(crate) values: Array1<f64>,
    /// Row `i` belongs to value `i` and has length 1.
    pub(crate) vectors: Array2<f64>,
}

/// Turns pairs of axes until what is left outside the diagonal is rounding.
pub(crate) fn solve(mut matrix: Array2<f64>) -> Solved {
    let size = matrix.nrows();
    let mut vectors = Array2::eye(size);
    let scale = matrix.mapv(|x| x * x).sum();
    while outside(&matrix) > 1e-24 * scale {
        for first in 0..size {
            for second in first + 1..size {
                if matrix[[first, second]] == 0.0 {
                    continue;
                }
                let turn = turn(&matrix, first, second);
                rotate(matrix.view_mut(), first, second, turn);
                rotate(matrix.view_mut().reversed_axes(), first, second, turn);
                rotate(vectors.view_mut(), first, second, turn);
            }
        }
    }
    Solved { values: matrix.diag().to_owned(), vectors }
}

/// The sum of squares outside the diagonal.
fn outside(matrix: &Array2<f64>) -> f64 {
    let squares =
        matrix.indexed_iter().map(|((row, column), x)| if row == column { 0.0 } else { x * x });
    squares.sum()
}

/// Returns cosine and sine of the turn after which the element of two axes is zero.
fn turn(matrix: &Array2<f64>, first: usize, second: usize) -> (f64, f64) {
    let difference = matrix[[second, second]] - matrix[[first, first]];
    let ratio = difference / (2.0 * matrix[[first, second]]);
    let tangent = ratio.signum() / (ratio.abs() + ratio.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    (cosine, tangent * cosine)
}

fn rotate(
    mut matrix: ArrayViewMut2<'_, f64>,
    first: usize,
    second: usize,
    (cosine, sine): (f64, f64),
) {
    let (rows_first, rows_second) = matrix.multi_slice_mut((s![first, ..], s![second, ..]));
    Zip::from(rows_first).and(rows_second).for_each(|x, y| {
        (*x, *y) = (cosine * *x - sine * *y, sine * *x + cosine * *y);
    });
}
