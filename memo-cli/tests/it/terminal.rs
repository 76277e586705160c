//! What differs on a terminal. `script` of util-linux makes one.

use std::process::Command;

use crate::program::made_by;
use crate::{fine, run, text};

/// Runs the command in a terminal and returns what it shows. `None` if there is no `script`.
fn in_terminal(arguments: &str, variables: &[(&str, &str)]) -> Option<String> {
    let line = format!("{} {arguments}", env!("CARGO_BIN_EXE_memo"));
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    script.env_remove("NO_COLOR").env("TERM", "xterm").envs(variables.iter().copied());
    let shown = script.output().ok()?;
    Some(String::from_utf8(shown.stdout).expect("UTF-8"))
}

#[test]
fn colours_are_for_terminals_and_for_those_who_want_them() {
    let root = made_by(&["many 3"]);
    let arguments = format!("ls {}", text(root.path()));
    let Some(shown) = in_terminal(&arguments, &[]) else { return };
    assert!(shown.contains("\u{1b}[32mok\u{1b}[0m"), "{shown:?}");
    for variable in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let plain = in_terminal(&arguments, &[variable]).expect("script");
        assert!(!plain.contains('\u{1b}') && plain.contains("ok"), "{plain:?}");
    }
    let json = in_terminal(&format!("--json {arguments}"), &[]).expect("script");
    assert!(!json.contains('\u{1b}'), "{json:?}");
    assert!(!fine(&["ls", text(root.path())]).contains('\u{1b}'));
}

#[test]
fn a_terminal_shows_how_far_it_has_come() {
    let root = made_by(&["many 20000"]);
    let arguments = format!("verify {}", text(root.path()));
    let Some(shown) = in_terminal(&arguments, &[]) else { return };
    assert!(shown.contains("[..............................]   0 %"), "{shown:?}");
    assert!(shown.contains("[##############################] 100 %"), "{shown:?}");
    let result = shown.rsplit('\r').find(|part| part.contains("entries")).expect("the result");
    assert!(result.contains("20000 entries"), "{shown:?}");
    let elsewhere = run(&["verify", text(root.path())]);
    assert_eq!((elsewhere.code, &*elsewhere.err), (0, ""));
}

#[test]
fn completions_and_pages_of_the_manual_name_every_command() {
    let commands = [
        "ls", "stat", "keys", "get", "du", "verify", "watch", "diff", "export", "import", "rm",
        "clear", "compact", "repair",
    ];
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = fine(&["completions", shell]);
        assert!(commands.iter().all(|command| script.contains(command)), "{shell}");
    }
    let page = fine(&["man"]);
    assert!(page.starts_with(".ie") && page.contains(".SH SUBCOMMANDS"), "{page}");
    for command in commands {
        let page = fine(&["man", command]);
        assert!(page.contains(".SH SYNOPSIS"), "{command}");
    }
    assert_eq!(run(&["man", "unknown"]).code, 2);
    assert_eq!(run(&["--help"]).code, 0);
}
