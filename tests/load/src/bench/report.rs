//! The table and the JSON.

use anyhow::Context;
use serde::Serialize;
use suite::say;

use crate::floors::Sample;
use crate::machine::Machine;

/// A line of the table.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    /// What was measured.
    pub(crate) figure: String,
    /// How much.
    pub(crate) value: f64,
    /// Of what.
    pub(crate) unit: &'static str,
    /// What it is compared with, in words.
    pub(crate) floor: String,
    /// And how much that was; `None` when the value stands for itself.
    pub(crate) floor_value: Option<f64>,
    /// Value over floor, or the value.
    pub(crate) ratio: f64,
    /// What must be reached.
    pub(crate) required: f64,
    /// True when less is better.
    pub(crate) at_most: bool,
    /// Whether it was.
    pub(crate) reached: bool,
}

impl Row {
    /// At least `required` times the floor.
    pub(crate) fn at_least(figure: &str, value: f64, unit: &'static str, floor: (&str, f64), required: f64) -> Self {
        let ratio = value / floor.1;
        Self {
            figure: figure.to_owned(),
            value,
            unit,
            floor: floor.0.to_owned(),
            floor_value: Some(floor.1),
            ratio,
            required,
            at_most: false,
            reached: ratio >= required,
        }
    }

    /// At most `required` times the floor.
    pub(crate) fn at_most(figure: &str, value: f64, unit: &'static str, floor: (&str, f64), required: f64) -> Self {
        let ratio = value / floor.1;
        Self { at_most: true, reached: ratio <= required, ..Self::at_least(figure, value, unit, floor, required) }
    }

    /// At most so much.
    pub(crate) fn bound(figure: &str, value: f64, unit: &'static str, required: f64) -> Self {
        let row = Self::at_most(figure, value, unit, ("", 1.0), required);
        Self { floor_value: None, ..row }
    }
}

/// Everything there is to say.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) mode: &'static str,
    pub(crate) machine: Machine,
    pub(crate) settings: Vec<String>,
    pub(crate) rows: Vec<Row>,
    /// What else was seen, by figure.
    pub(crate) notes: Vec<String>,
    /// Orders lost, double or oversold.
    pub(crate) faults: Vec<String>,
    pub(crate) floors: Vec<Sample>,
    pub(crate) broker: Option<crate::broker::Figures>,
    /// Spans the services have sent.
    pub(crate) traces: u64,
    pub(crate) seconds: f64,
}

impl Report {
    pub(crate) fn new(mode: &'static str, settings: &[(String, String)]) -> Self {
        Self {
            mode,
            machine: Machine::default(),
            settings: settings.iter().map(|(name, value)| format!("{name}={value}")).collect(),
            rows: Vec::new(),
            notes: Vec::new(),
            faults: Vec::new(),
            floors: Vec::new(),
            broker: None,
            traces: 0,
            seconds: 0.0,
        }
    }

    /// Says and keeps something seen on the way.
    pub(crate) fn note(&mut self, text: String) -> anyhow::Result<()> {
        say::line(&format!("  {text}"))?;
        self.notes.push(text);
        Ok(())
    }

    /// Keeps a figure.
    pub(crate) fn row(&mut self, row: Row) -> anyhow::Result<()> {
        say::line(&format!("  {}: {} {}, ratio {:.2}", row.figure, number(row.value), row.unit, row.ratio))?;
        self.rows.push(row);
        Ok(())
    }

    pub(crate) fn print(&self) -> anyhow::Result<()> {
        say::line(&format!("\n{}", self.machine.lines().join("\n")))?;
        say::line(&format!("settings: {}\n", self.settings.join(" ")))?;
        let heading = ["figure", "value", "floor", "ratio", "required", "reached"].map(str::to_owned);
        let rows = self.rows.iter().map(|row| {
            let floor = row.floor_value.map_or_else(String::new, |value| format!("{} ({})", number(value), row.floor));
            let sign = if row.at_most { "≤" } else { "≥" };
            let reached = if row.reached { "yes" } else { "NO" };
            [
                row.figure.clone(),
                format!("{} {}", number(row.value), row.unit),
                floor,
                if row.floor_value.is_some() { format!("{:.2}", row.ratio) } else { String::new() },
                format!("{sign} {}", row.required),
                reached.to_owned(),
            ]
        });
        let rows: Vec<_> = std::iter::once(heading).chain(rows).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
        let widths: Vec<_> = (0..6).map(width).collect();
        for row in &rows {
            let cells = row.iter().zip(&widths).enumerate().map(|(at, (cell, width))| {
                if at == 0 || at == 5 { format!("{cell:width$}") } else { format!("{cell:>width$}") }
            });
            say::line(cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        for fault in &self.faults {
            say::line(&format!("NOT RIGHT: {fault}"))?;
        }
        say::line(&format!("\n{} spans traced, {:.0} s in all", self.traces, self.seconds))
    }

    /// Writes `bench/<mode>.json` in the folder of build results.
    pub(crate) fn write(&self) -> anyhow::Result<()> {
        let this = std::env::current_exe()?;
        let target = this.ancestors().nth(2).context("this program lies in no folder")?;
        let folder = target.join("bench");
        std::fs::create_dir_all(&folder)?;
        let file = folder.join(format!("{}.json", self.mode));
        std::fs::write(&file, serde_json::to_vec_pretty(self)?)?;
        say::line(&format!("as JSON in {}", file.display()))
    }
}

fn number(value: f64) -> String {
    match value {
        v if v.abs() >= 100.0 => say::thousands(&format!("{v:.0}")),
        v if v.abs() >= 1.0 => format!("{v:.2}"),
        v => format!("{v:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_compared_in_the_right_direction() {
        assert!(Row::at_least("", 300.0, "", ("", 200.0), 1.5).reached);
        assert!(!Row::at_least("", 299.0, "", ("", 200.0), 1.5).reached);
        assert!(Row::at_most("", 11.0, "", ("", 1.0), 12.0).reached);
        assert!(!Row::bound("", 151.0, "MiB", 150.0).reached);
    }
}
