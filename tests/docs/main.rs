//! What the documentation tells people to type exists, and what it links to is there.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use suite::cli::Cli;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// README.md, ARCHITECTURE.md and docs/, with their paths.
fn documents() -> Vec<(String, String)> {
    let mut found: Vec<PathBuf> = ["README.md", "ARCHITECTURE.md"].map(|name| root().join(name)).into();
    found.extend(std::fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path()));
    found.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    found
        .into_iter()
        .filter_map(|path| {
            let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
            Some((name, std::fs::read_to_string(&path).ok()?))
        })
        .collect()
}

/// Commands to type: lines of shell blocks (continued ones joined), and `code` in the text.
fn commands(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut block: Option<bool> = None;
    let mut continued = String::new();
    for line in text.lines() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            block = match block {
                Some(_) => None,
                None => Some(matches!(language.trim(), "sh" | "bash" | "console" | "shell")),
            };
            continue;
        }
        match block {
            Some(true) => {
                let line = line.trim_start().trim_start_matches("$ ");
                if let Some(begun) = line.strip_suffix('\\') {
                    continued.push_str(begun);
                    continue;
                }
                found.push(std::mem::take(&mut continued) + line);
            }
            Some(false) => {}
            None => found.extend(line.split('`').skip(1).step_by(2).map(str::to_owned)),
        }
    }
    found
}

/// Words as a shell would see them; stops at a pipe, a redirection or a comment.
fn words(command: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for letter in command.chars() {
        match (quote, letter) {
            (Some(end), _) if end == letter => quote = None,
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, '|' | '>' | '<' | '#' | ';' | '&') => break,
            (None, ' ') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

/// What is wrong with a command, if it is one of ours.
fn wrong(command: &str, targets: &[String]) -> Option<String> {
    let words = words(command.trim());
    let (program, arguments) = words.split_first()?;
    let placeholder = |word: &String| word.contains('…') || word.contains('<') || word == "...";
    match program.rsplit('/').next()? {
        "shopfloor"
            if !program.ends_with(":shopfloor") && !arguments.is_empty() && !arguments.iter().any(placeholder) =>
        {
            let error = Cli::command().try_get_matches_from(&words).err()?;
            let asked =
                matches!(error.kind(), clap::error::ErrorKind::DisplayHelp | clap::error::ErrorKind::DisplayVersion);
            // Naming a command without its arguments (`shopfloor call`) is speaking of it.
            let spoken_of = arguments.len() == 1
                && matches!(
                    error.kind(),
                    clap::error::ErrorKind::MissingRequiredArgument
                        | clap::error::ErrorKind::MissingSubcommand
                        | clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                );
            (!asked && !spoken_of)
                .then(|| format!("`{command}`: {}", error.to_string().lines().next().unwrap_or_default()))
        }
        "make" => {
            let named = arguments.iter().find(|word| !word.contains('=') && !word.starts_with('-'));
            let lost = named.filter(|target| !targets.contains(target))?;
            Some(format!("`{command}`: the Makefile has no target {lost}"))
        }
        _ => None,
    }
}

/// Relative links whose target is not there.
fn lost_links(folder: &Path, text: &str) -> Vec<String> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    let files = targets.map(|target| target.split('#').next().unwrap_or_default());
    files
        .filter(|file| !file.is_empty() && !file.contains("://") && !file.starts_with("mailto:"))
        .filter(|file| !folder.join(file).exists())
        .map(str::to_owned)
        .collect()
}

fn make_targets() -> Vec<String> {
    let makefile = std::fs::read_to_string(root().join("Makefile")).unwrap();
    let named = |line: &str| line.split_once(':').map(|(target, _)| target.to_owned());
    makefile.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase())).filter_map(named).collect()
}

#[test]
fn every_command_in_the_documentation_exists() {
    let targets = make_targets();
    let mut found = Vec::new();
    let mut seen = 0;
    for (name, text) in documents() {
        let commands = commands(&text);
        seen +=
            commands.iter().filter(|command| command.starts_with("make ") || command.contains("shopfloor ")).count();
        found.extend(
            commands.iter().filter_map(|command| wrong(command, &targets)).map(|what| format!("{name}: {what}")),
        );
    }
    assert!(seen >= 5, "the documentation was not found");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_link_leads_somewhere() {
    let mut found = Vec::new();
    for (name, text) in documents() {
        let folder = root().join(&name);
        found.extend(
            lost_links(folder.parent().unwrap(), &text).iter().map(|link| format!("{name}: {link} is not there")),
        );
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_checks_of_the_documentation_can_fail() {
    let targets = vec!["up".to_owned()];
    let text = "Type `make up` or:\n```sh\n$ shopfloor serve orders \\\n  --no-such-flag  # never\n```\n```json\nmake no\n```\n";
    let commands = commands(text);
    assert_eq!(commands, ["make up", "shopfloor serve orders --no-such-flag  # never"]);
    assert!(wrong("make up ARGS=--once", &targets).is_none());
    assert!(wrong("make down", &targets).is_some());
    assert!(wrong(&commands[1], &targets).is_some());
    assert!(wrong("target/debug/shopfloor serve orders --no-such-flag", &targets).is_some());
    assert!(wrong("shopfloor fly", &targets).is_some());
    assert!(wrong("shopfloor rpcs | head", &targets).is_none());
    assert!(wrong("shopfloor up --once", &targets).is_none());
    assert_eq!(words("a 'b c' \"d\" | e"), ["a", "b c", "d"]);
    assert_eq!(lost_links(&root(), "[a](Makefile) [b](no.md#x) [c](https://x)"), ["no.md"]);
}
