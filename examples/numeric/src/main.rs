//! How far electrons spread in a wire with disorder (the Anderson model): an average over many random matrices for each
//! strength of the disorder. Look at `states`: numbers are its key, floats as they are, and arrays its result. A second
//! run solves no matrix, and one with more samples or other strengths solves only the new ones.
//!
//!     cargo run --release --manifest-path examples/numeric/Cargo.toml -- [SITES] [SAMPLES]

mod chain;
mod jacobi;

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use memokit::{Session, memoize};
use ndarray::Array1;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// What the averages need of the states of one matrix. The vectors themselves would take a hundred times the room.
#[derive(Clone, Serialize, Deserialize)]
struct States {
    energies: Array1<f64>,
    /// Over how many sites each state spreads.
    spreads: Array1<f64>,
}

/// `version` has to be raised when `chain` or `jacobi` change their results: memokit sees an edit of this body only.
#[memoize(max = 100_000, persist = directory(), version = 1)]
fn states(sites: usize, strength: f64, sample: u64) -> States {
    let solved = jacobi::solve(chain::matrix(sites, strength, sample));
    let spreads = solved.vectors.rows().into_iter().map(|state| {
        // The participation ratio of a vector of length 1.
        1.0 / state.iter().map(|amplitude| amplitude.powi(4)).sum::<f64>()
    });
    States { spreads: spreads.collect(), energies: solved.values }
}

fn directory() -> PathBuf {
    env::var_os("CACHE_DIR").unwrap_or_else(|| "target/numeric-cache".into()).into()
}

fn argument(number: usize, default: u32) -> Result<u32, String> {
    let text = env::args().nth(number);
    text.map_or(Ok(default), |text| text.parse().map_err(|error| format!("`{text}`: {error}")))
}

fn main() -> Result<(), Box<dyn Error>> {
    let (session, start) = (Session::new(), Instant::now());
    let (sites, samples) = (argument(1, 128)? as usize, argument(2, 20)?.max(1));
    println!("strength  lowest energy  sites of a state");
    for strength in [0.0, 0.5, 1.0, 2.0, 4.0] {
        let samples = 0..u64::from(samples);
        let solved: Vec<States> =
            samples.into_par_iter().map(|sample| states(sites, strength, sample)).collect();
        let mean =
            |of: fn(&States) -> f64| solved.iter().map(of).sum::<f64>() / solved.len() as f64;
        let lowest =
            mean(|states| states.energies.fold(f64::INFINITY, |low, energy| low.min(*energy)));
        let spread = mean(|states| states.spreads.mean().unwrap_or_default());
        println!("{strength:8.1}  {lowest:13.4}  {spread:16.2}");
    }
    let stats = states_memo().stats();
    println!(
        "{} matrices: {} solved, {} found",
        stats.misses + stats.hits,
        stats.misses,
        stats.hits
    );
    // Such as that the folder cannot be written. The answer is as good without it.
    if let Err(error) = session.end() {
        eprintln!("not kept for the next run: {error}");
    }
    eprintln!("{:.0?}", start.elapsed());
    Ok(())
}
