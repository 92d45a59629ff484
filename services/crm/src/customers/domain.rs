//! Rules of the card.

/// Tags of a customer at most.
pub const MOST_TAGS: usize = 50;

/// A name as it is shown to those who may not read contacts: the first letter of each word.
#[must_use]
pub fn masked(name: &str) -> String {
    let first = |word: &str| word.chars().next().map(|letter| format!("{letter}***"));
    name.split_whitespace().filter_map(first).collect::<Vec<_>>().join(" ")
}

/// A name with one blank between its words.
#[must_use]
pub fn tidy(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A tag in its one spelling; `None` when it is not one: 1 to 40 letters, digits, `-` and `_`.
#[must_use]
pub fn tag(text: &str) -> Option<String> {
    let tag = text.trim().to_lowercase();
    let good =
        (1..=40).contains(&tag.chars().count()) && tag.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
    good.then_some(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_name_tells_only_initials() {
        assert_eq!(masked("Иван Петров"), "И*** П***");
        assert_eq!(masked(""), "");
        assert_eq!(masked("  x "), "x***");
    }

    #[test]
    fn tags_have_one_spelling() {
        assert_eq!(tag(" VIP ").as_deref(), Some("vip"));
        assert_eq!(tag("оптовик-2").as_deref(), Some("оптовик-2"));
        let long = "x".repeat(41);
        for bad in ["", "a b", "a,b", "a/b", long.as_str()] {
            assert_eq!(tag(bad), None, "{bad}");
        }
    }
}
