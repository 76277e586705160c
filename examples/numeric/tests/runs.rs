//! Runs of the example that follow each other.

use std::f64::consts::PI;
use std::path::Path;
use std::process::Command;

/// Returns the rows of the table and the last line.
fn run(cache: &Path, arguments: [&str; 2]) -> (Vec<[f64; 3]>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_numeric-example"));
    let output = command.args(arguments).env("CACHE_DIR", cache).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    let mut lines: Vec<&str> = printed.lines().skip(1).collect();
    let last = lines.pop().unwrap().to_owned();
    let row = |line: &str| {
        let numbers: Vec<f64> = line.split_whitespace().map(|text| text.parse().unwrap()).collect();
        numbers.try_into().unwrap()
    };
    (lines.into_iter().map(row).collect(), last)
}

#[test]
fn a_second_run_solves_nothing_and_more_samples_the_new_ones() {
    let cache = tempfile::tempdir().unwrap();
    let (rows, last) = run(cache.path(), ["24", "4"]);
    assert_eq!(last, "20 matrices: 20 solved, 0 found");
    assert_eq!(
        run(cache.path(), ["24", "4"]),
        (rows, "20 matrices: 0 solved, 20 found".to_owned())
    );
    let (_, last) = run(cache.path(), ["24", "5"]);
    assert_eq!(last, "25 matrices: 5 solved, 20 found");
    let (_, last) = run(cache.path(), ["23", "1"]);
    assert_eq!(last, "5 matrices: 5 solved, 0 found");
}

/// Without disorder, the states of a chain are sines. With more of it, they spread over fewer sites.
#[test]
fn the_numbers_are_those_of_the_model() {
    let cache = tempfile::tempdir().unwrap();
    let (rows, _) = run(cache.path(), ["24", "4"]);
    let [strength, lowest, spread] = rows[0];
    assert_eq!(strength, 0.0);
    assert!((lowest + 2.0 * (PI / 25.0).cos()).abs() < 1e-3, "{lowest}");
    assert!((spread - 2.0 * 25.0 / 3.0).abs() < 1e-1, "{spread}");
    assert!(rows.windows(2).all(|pair| pair[0][2] > pair[1][2]), "{rows:?}");
}
