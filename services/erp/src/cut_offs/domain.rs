//! Times of day as people write them.

use time::Time;

/// A week of a warehouse, delivery method and region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Week {
    /// Warehouse code.
    pub warehouse: String,
    /// Delivery method; empty means all.
    pub delivery_method: String,
    /// Region; empty means all.
    pub region: String,
    /// Day of the week (1 is Monday) and local time of each departure.
    pub days: Vec<(i32, Time)>,
}

/// Reads `HH:MM`.
#[must_use]
pub fn parse_time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let is_two = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    let two = |part: &str| is_two(part).then(|| part.parse::<u8>().ok()).flatten();
    Time::from_hms(two(hour)?, two(minute)?, 0).ok()
}

/// Writes `HH:MM`.
#[must_use]
pub fn write_time(time: Time) -> String {
    format!("{:02}:{:02}", time.hour(), time.minute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_written_and_nothing_else_is() {
        for minutes in 0..24 * 60_u16 {
            let text = format!("{:02}:{:02}", minutes / 60, minutes % 60);
            assert_eq!(parse_time(&text).map(write_time), Some(text));
        }
        for bad in ["", "24:00", "12:60", "1:30", "12:5", "12", "12:30:00", "+1:00", "ab:cd"] {
            assert_eq!(parse_time(bad), None, "{bad:?}");
        }
    }
}
