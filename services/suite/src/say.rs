#![doc = "What the program says to people: lines on standard output, progress where something takes its time."]

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};

/// Prints a line.
pub fn line(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout().lock(), "{text}").context("standard output is closed")
}

/// Prints without a line end.
pub fn part(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("standard output is closed")
}

/// Columns of cells, the first one to the left and the others to the right.
pub fn table(rows: &[(String, String)]) -> anyhow::Result<()> {
    let left = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let right = rows.iter().map(|(_, value)| value.chars().count()).max().unwrap_or_default();
    rows.iter().try_for_each(|(name, value)| line(&format!("  {name:left$}  {value:>right$}")))
}

/// Progress of one piece of work: a bar on a terminal, else a line now and then.
pub struct Progress {
    what: String,
    bar: Option<ProgressBar>,
    total: u64,
    done: u64,
    begun: Instant,
    said: Instant,
}

impl Progress {
    /// Begins a piece of work of `total` steps.
    pub fn new(what: &str, total: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{msg:32} {wide_bar} {human_pos}/{human_len} {per_sec} {eta}");
            let bar = ProgressBar::new(total).with_message(what.to_owned());
            if let Ok(style) = style {
                bar.set_style(style);
            }
            bar
        });
        let now = Instant::now();
        Self { what: what.to_owned(), bar, total, done: 0, begun: now, said: now }
    }

    /// Notes that `steps` more are done.
    pub fn add(&mut self, steps: u64) -> anyhow::Result<()> {
        self.done += steps;
        if let Some(bar) = &self.bar {
            bar.set_position(self.done);
        } else if self.said.elapsed() >= Duration::from_secs(5) {
            self.said = Instant::now();
            line(&format!("{}: {} of {}", self.what, self.done, self.total))?;
        }
        Ok(())
    }

    /// Ends it and says how long it took.
    pub fn end(self) -> anyhow::Result<()> {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        line(&format!("{}: {} in {:.1} s", self.what, self.done, self.begun.elapsed().as_secs_f32()))
    }
}

/// A number with its thousands apart: `1 234 567`.
pub fn thousands(number: &str) -> String {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |rest| ("-", rest));
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, fraction)| (whole, Some(fraction)));
    let mut out = String::from(sign);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(thousands("1234567.50"), "1 234 567.50");
        assert_eq!(thousands("-123"), "-123");
        assert_eq!(thousands("1000"), "1 000");
    }
}
