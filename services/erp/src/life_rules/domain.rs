//! Which rule holds for a line.

/// So many days must be left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Channel code; empty means any.
    pub channel: String,
    /// Delivery method code; empty means any.
    pub delivery_method: String,
    /// Category and everything below it; empty means any.
    pub category: String,
    /// Days left to the last day of use.
    pub days: i32,
}

/// Days a lot must have left for a line: the longest of the rules that fit, 0 when none does.
#[must_use]
pub fn least_life(rules: &[Rule], channel: &str, delivery_method: &str, category: &str) -> i32 {
    let fits = |rule: &&Rule| {
        let any_or = |asked: &str, given: &str| asked.is_empty() || asked == given;
        any_or(&rule.channel, channel)
            && any_or(&rule.delivery_method, delivery_method)
            && (any_or(&rule.category, category)
                || category.strip_prefix(rule.category.as_str()).is_some_and(|below| below.starts_with('/')))
    };
    rules.iter().filter(fits).map(|rule| rule.days).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(channel: &str, delivery_method: &str, category: &str, days: i32) -> Rule {
        let (channel, delivery_method, category) = (channel.into(), delivery_method.into(), category.into());
        Rule { channel, delivery_method, category, days }
    }

    #[test]
    fn the_longest_rule_that_fits_holds() {
        let rules = [
            rule("", "", "Food", 10),
            rule("market", "", "", 30),
            rule("market", "", "Food/Fish", 60),
            rule("", "post", "", 20),
        ];
        let days = |channel, method, category| least_life(&rules, channel, method, category);
        assert_eq!(days("web", "courier", "Tackle"), 0);
        assert_eq!(days("web", "courier", "Food"), 10);
        assert_eq!(days("web", "post", "Food/Fish/Dried"), 20);
        assert_eq!(days("market", "post", "Food/Fish/Dried"), 60);
        assert_eq!(days("market", "", "Foodstuff"), 30, "a name that begins alike is no sub-category");
    }
}
