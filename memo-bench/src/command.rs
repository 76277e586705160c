//! The command line.

pub(crate) const HELP: &str = "\
Usage: memo-bench [compare|memory|persist|list] [OPTIONS]
       memo-bench profile KIND [CONTENDER] [--calls N]

  --only TEXT   only the cases whose names contain every word of TEXT
  --rounds N    how often each contender runs (default: 15)
  --quick       few and short rounds: shows that everything runs, measures nothing
  --json        one JSON object a line
  --help        this text

profile runs one loop of hits, for callgrind and perf: KIND is u64, text, opts, map or
octets, CONTENDER memokit (default), quick_cache, cached, moka or mutex_map.";

/// How a comparison is to run.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) only: Vec<String>,
    pub(crate) rounds: usize,
    pub(crate) quick: bool,
    pub(crate) json: bool,
}

impl Plan {
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.only.iter().all(|word| name.contains(word.as_str()))
    }
}

#[derive(Debug)]
pub(crate) enum Command {
    Help,
    List,
    Compare(Plan),
    Memory(Plan),
    Persist { step: Option<String>, quick: bool },
    Profile { kind: String, contender: String, calls: u64 },
}

impl Command {
    pub(crate) fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut plan = Plan { only: Vec::new(), rounds: 15, quick: false, json: false };
        let mut calls = 1_000_000;
        let mut words = Vec::new();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or(format!("{arg} needs a value"));
            match arg.as_str() {
                "--only" => plan.only.extend(value()?.split_whitespace().map(str::to_owned)),
                "--rounds" => plan.rounds = number(&value()?)?.max(1),
                "--calls" => calls = number(&value()?)? as u64,
                "--quick" => plan.quick = true,
                "--json" => plan.json = true,
                "--help" | "-h" => return Ok(Self::Help),
                _ if arg.starts_with('-') => {
                    return Err(format!("unknown option `{arg}`: see --help"));
                }
                _ => words.push(arg),
            }
        }
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        match *words {
            [] | ["compare"] => Ok(Self::Compare(plan)),
            ["memory"] => Ok(Self::Memory(plan)),
            ["persist"] => Ok(Self::Persist { step: None, quick: plan.quick }),
            ["persist", step] => {
                Ok(Self::Persist { step: Some(step.to_owned()), quick: plan.quick })
            }
            ["list"] => Ok(Self::List),
            ["profile", kind] => Ok(Self::profile(kind, "memokit", calls)),
            ["profile", kind, contender] => Ok(Self::profile(kind, contender, calls)),
            _ => Err(format!("`{}` is no command: see --help", words.join(" "))),
        }
    }

    fn profile(kind: &str, contender: &str, calls: u64) -> Self {
        Self::Profile { kind: kind.to_owned(), contender: contender.to_owned(), calls }
    }
}

fn number(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| format!("`{text}` is not a whole number"))
}
