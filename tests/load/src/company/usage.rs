//! Memory and processor time of a process, as Linux counts them.

use std::time::Duration;

use anyhow::Context;

/// Ticks a second in /proc, the same on every Linux.
const TICKS: u64 = 100;

/// Resident memory in bytes.
pub fn rss(pid: u32) -> anyhow::Result<u64> {
    kilobytes(pid, "VmRSS:")
}

/// The most resident memory so far, in bytes.
pub fn peak_rss(pid: u32) -> anyhow::Result<u64> {
    kilobytes(pid, "VmHWM:")
}

fn kilobytes(pid: u32, name: &str) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).context("a process without memory")?;
    let number: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(number * 1024)
}

/// Processor time used by all its threads.
pub fn cpu(pid: u32) -> anyhow::Result<Duration> {
    ticks(&std::fs::read_to_string(format!("/proc/{pid}/stat"))?, 2)
}

/// The same with its children, those that have ended included.
pub fn family_cpu(pid: u32) -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let mut sum = ticks(&stat, 4)?;
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
    for child in children.split_whitespace() {
        // One that ends in this moment is counted with its parent the next time.
        sum += family_cpu(child.parse()?).unwrap_or_default();
    }
    Ok(sum)
}

/// The name of the program, which may hold spaces, stands in brackets before the numbers.
/// User and system time, then those of ended children.
fn ticks(stat: &str, count: usize) -> anyhow::Result<Duration> {
    let (_, numbers) = stat.rsplit_once(')').context("not a line of /proc")?;
    let numbers = numbers.split_whitespace().skip(11).take(count).map(str::parse::<u64>);
    let ticks = numbers.sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(ticks * 1000 / TICKS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_that_of_user_and_system() {
        let stat = "12 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 150 50 70 30 20 0 9 0 1";
        assert_eq!(ticks(stat, 2).unwrap(), Duration::from_secs(2));
        assert_eq!(ticks(stat, 4).unwrap(), Duration::from_secs(3));
    }

    #[test]
    fn a_living_process_has_memory_and_time() {
        let pid = std::process::id();
        assert!(rss(pid).unwrap() > 100_000 && peak_rss(pid).unwrap() >= rss(pid).unwrap());
        assert!(cpu(pid).is_ok());
    }
}
