//! The command line.

use std::path::PathBuf;

pub(crate) const HELP: &str = "\
Usage: memo-bench [compare|hits|saved|advise|memory|build|instructions|slow|stampede|persist|remote|list] [OPTIONS]
       memo-bench profile KIND [CONTENDER] [--calls N]

  compare       nanoseconds per call, of memokit and its rivals (the default)
  hits          hit ratios on traces of requests; fails if memokit's is below exact LRU's, or if that of the adaptive
                policy is far below the best
  saved         the time of computations that hits save on traces, by LRU and by a simulated policy that knows costs;
                fails if the latter saves less than 1.3 times as much
  advise        what `advise` costs, and the error of its curve on traces; fails if that is more than 0.02
  memory        bytes per entry
  build         seconds that a build of a crate with memoized functions takes
  instructions  instructions per hit, counted by callgrind
  slow          callers of a slow source, with `spawn` and without: how many are served if they give up before it
                answers, and how long clients on this machine wait while results expire, and what `spawn` adds to a miss;
                fails if the 99.9th percentile with `spawn` is above 2 ms, and above twice that of hits
  stampede      nanoseconds per call when many callers miss on one key at once
  persist [PART] the cost of persistence beside embedded engines (cargo's feature `engines`). Its parts:
                durabilities, insertions, processes, hits, opening, compaction
  remote        the cost of a tier that machines share, with a redis-server that it starts, beside the crate redis by
                hand and, with cargo's feature `engines`, fred and cached
  list          the names of the cases of compare
  profile       one loop of hits, for callgrind and perf

  --only TEXT   only the cases whose names contain every word of TEXT
  --rounds N    the number of times that each contender runs (default: 15; build: 3)
  --quick       few and short rounds: shows that everything runs, measures nothing
  --json        one JSON object per line
  --plot DIR    charts of what was measured, as SVG
  --check       with instructions: fails if a recorded number differs by more than 10 %
  --record      with instructions: records the numbers
  --help        show this text

KIND is u64, text, opts, map, octets or vec. CONTENDER is memokit (default) or a rival.";

/// The options of a comparison.
#[derive(Debug, Default, Clone)]
pub(crate) struct Plan {
    pub(crate) only: Vec<String>,
    rounds: Option<usize>,
    pub(crate) quick: bool,
    pub(crate) json: bool,
    pub(crate) plot: Option<PathBuf>,
}

impl Plan {
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.only.iter().all(|word| name.contains(word.as_str()))
    }

    pub(crate) fn rounds(&self, quick: usize, usual: usize) -> usize {
        self.rounds.unwrap_or(if self.quick { quick } else { usual })
    }

    /// Returns the same plan, with another number of rounds if none was asked for.
    pub(crate) fn with_usual_rounds(&self, usual: usize) -> Self {
        Self { rounds: Some(self.rounds(3, usual)), ..self.clone() }
    }
}

/// What is done with the number of instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    Shown,
    Checked,
    Recorded,
}

#[derive(Debug)]
pub(crate) enum Command {
    Help,
    List,
    Compare(Plan),
    Hits(Plan),
    Saved(Plan),
    Advise(Plan),
    Memory(Plan),
    Build(Plan),
    Instructions(Plan, Counted),
    Slow(Plan),
    Stampede(Plan),
    Persist(Plan, Vec<String>),
    Remote(Plan),
    Profile { kind: String, contender: String, calls: u64 },
}

impl Command {
    pub(crate) fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut plan = Plan::default();
        let mut calls = 1_000_000;
        let mut counted = Counted::Shown;
        let mut words = Vec::new();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or(format!("{arg} needs a value"));
            match arg.as_str() {
                "--only" => plan.only.extend(value()?.split_whitespace().map(str::to_owned)),
                "--rounds" => plan.rounds = Some(number(&value()?)?.max(1)),
                "--calls" => calls = number(&value()?)? as u64,
                "--plot" => plan.plot = Some(value()?.into()),
                "--quick" => plan.quick = true,
                "--json" => plan.json = true,
                "--check" => counted = Counted::Checked,
                "--record" => counted = Counted::Recorded,
                "--help" | "-h" => return Ok(Self::Help),
                _ if arg.starts_with('-') => {
                    return Err(format!("unknown option `{arg}`: see --help"));
                }
                _ => words.push(arg),
            }
        }
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        if counted != Counted::Shown && words != ["instructions"] {
            return Err("--check and --record need the command `instructions`".into());
        }
        match *words {
            [] | ["compare"] => Ok(Self::Compare(plan)),
            ["advise"] => Ok(Self::Advise(plan)),
            ["hits"] => Ok(Self::Hits(plan)),
            ["saved"] => Ok(Self::Saved(plan)),
            ["memory"] => Ok(Self::Memory(plan)),
            ["build"] => Ok(Self::Build(plan)),
            ["instructions"] => Ok(Self::Instructions(plan, counted)),
            ["slow"] => Ok(Self::Slow(plan)),
            ["stampede"] => Ok(Self::Stampede(plan)),
            ["persist", ref part @ ..] => {
                Ok(Self::Persist(plan, part.iter().map(|word| (*word).to_owned()).collect()))
            }
            ["remote"] => Ok(Self::Remote(plan)),
            ["list"] => Ok(Self::List),
            ["profile", kind] => Ok(Self::profile(kind, "memokit", calls)),
            ["profile", kind, contender] => Ok(Self::profile(kind, contender, calls)),
            _ => Err(format!("unknown command `{}`: see --help", words.join(" "))),
        }
    }

    fn profile(kind: &str, contender: &str, calls: u64) -> Self {
        Self::Profile { kind: kind.to_owned(), contender: contender.to_owned(), calls }
    }
}

fn number(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| format!("`{text}` is not a whole number"))
}
