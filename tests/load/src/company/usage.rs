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
    ticks(&std::fs::read_to_string(format!("/proc/{pid}/stat"))?)
}

/// The name of the program, which may hold spaces, stands in brackets before the numbers.
fn ticks(stat: &str) -> anyhow::Result<Duration> {
    let (_, numbers) = stat.rsplit_once(')').context("not a line of /proc")?;
    let mut numbers = numbers.split_whitespace().skip(11);
    let mut next = || anyhow::Ok(numbers.next().context("a short line of /proc")?.parse::<u64>()?);
    let ticks = next()? + next()?;
    Ok(Duration::from_millis(ticks * 1000 / TICKS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_that_of_user_and_system() {
        let stat = "12 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 150 50 7 7 20 0 9 0 1";
        assert_eq!(ticks(stat).unwrap(), Duration::from_secs(2));
    }

    #[test]
    fn a_living_process_has_memory_and_time() {
        let pid = std::process::id();
        assert!(rss(pid).unwrap() > 100_000 && peak_rss(pid).unwrap() >= rss(pid).unwrap());
        assert!(cpu(pid).is_ok());
    }
}
