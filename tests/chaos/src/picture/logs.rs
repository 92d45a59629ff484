//! What processes wrote: panics of the services, deadlocks of Postgres.

use std::path::Path;

/// What the logs of a run say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Logs {
    /// Lines that tell of a panic, with the file's name.
    pub(crate) panics: Vec<String>,
    /// Lines in which Postgres tells of a deadlock it broke.
    pub(crate) deadlocks: Vec<String>,
    /// Files read.
    pub(crate) files: usize,
}

impl Logs {
    /// Reads a log file, if it is there.
    pub(crate) fn add(&mut self, path: &Path) {
        let Ok(bytes) = std::fs::read(path) else { return };
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.files += 1;
        self.take(&name, &String::from_utf8_lossy(&bytes));
    }

    fn take(&mut self, name: &str, text: &str) {
        for line in text.lines() {
            let shown = || format!("{name}: {}", line.chars().take(300).collect::<String>());
            if line.contains("panicked at") || line.contains("the handler panicked") {
                self.panics.push(shown());
            }
            if line.contains("deadlock detected") {
                self.deadlocks.push(shown());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_and_deadlocks_are_found() {
        let mut logs = Logs::default();
        logs.take("erp-0.log", "all well\nthread 'x' panicked at src/a.rs:1:1\nERROR:  deadlock detected\n");
        assert_eq!((logs.panics.len(), logs.deadlocks.len()), (1, 1));
        assert!(logs.panics[0].starts_with("erp-0.log: thread"));
    }
}
