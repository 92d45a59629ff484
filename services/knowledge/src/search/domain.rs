//! Words, corrections and fragments.

/// Marks the beginning of a word found; no text has it, see [`fragments`].
pub const BEGIN: char = '\u{e000}';

/// Marks the end of a word found.
pub const END: char = '\u{e001}';

/// Divides fragments.
pub const CUT: char = '\u{e002}';

/// Most words of a page that are remembered for corrections.
const MOST_WORDS: usize = 20_000;

fn tidy(word: &str) -> Option<String> {
    let length = word.chars().count();
    let known = (3..=40).contains(&length) && word.chars().any(char::is_alphabetic);
    known.then(|| word.to_lowercase().replace('ё', "е"))
}

/// The words of texts in lower case, sorted, each once; ё is е. Numbers and words shorter than three letters are left out.
#[must_use]
pub fn words(texts: &[&str]) -> Vec<String> {
    let mut words: Vec<String> =
        texts.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric())).filter_map(tidy).collect();
    words.sort();
    words.dedup();
    words.truncate(MOST_WORDS);
    words
}

/// The words of a query that may be replaced by similar ones; none when it excludes words or asks for an exact phrase.
#[must_use]
pub fn correctable(query: &str, most: usize) -> Vec<String> {
    if query.contains('"') || query.split_whitespace().any(|word| word.starts_with('-')) {
        return Vec::new();
    }
    let mut asked = words(&[query]);
    asked.truncate(most);
    asked
}

/// A query in the database's words: for each word asked for any of the similar ones. `None` when a word has none.
/// Words are letters and digits only, so nothing in them can be mistaken for an operator.
#[must_use]
pub fn corrected(asked: &[String], similar: &[(String, String)]) -> Option<String> {
    let mut groups = Vec::new();
    for word in asked {
        let found: Vec<String> = similar
            .iter()
            .filter(|(wanted, _)| wanted == word)
            .map(|(_, known)| known)
            .filter(|known| known.chars().all(char::is_alphanumeric))
            .map(|known| format!("'{known}'"))
            .collect();
        if found.is_empty() {
            return None;
        }
        groups.push(format!("({})", found.join(" | ")));
    }
    (!groups.is_empty()).then(|| groups.join(" & "))
}

fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + 16);
    let mut open = false;
    for c in text.chars() {
        match c {
            BEGIN if !open => {
                open = true;
                html.push_str("<mark>");
            }
            END if open => {
                open = false;
                html.push_str("</mark>");
            }
            BEGIN | END | CUT => {}
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            '\n' => html.push(' '),
            c => html.push(c),
        }
    }
    if open {
        html.push_str("</mark>");
    }
    html.trim().to_owned()
}

/// The database's fragments as HTML: everything escaped, but for the marks around the words found, which are always paired.
#[must_use]
pub fn fragments(headline: &str) -> Vec<String> {
    headline.split(CUT).map(escaped).filter(|fragment| !fragment.is_empty()).collect()
}

/// A title as HTML.
#[must_use]
pub fn title(headline: &str) -> String {
    escaped(headline)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_tidied() {
        assert_eq!(words(&["Ёлка, ёлка и IT-отдел 2026!", "по х1"]), ["елка", "отдел"]);
        assert_eq!(words(&["abc def", "ABC"]), ["abc", "def"]);
    }

    #[test]
    fn a_correction_needs_a_similar_word_for_each() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        let similar = [pair("складд", "склад"), pair("складд", "склады"), pair("отгрузкка", "отгрузка")];
        let asked = ["складд".to_owned(), "отгрузкка".to_owned()];
        assert_eq!(corrected(&asked, &similar).unwrap(), "('склад' | 'склады') & ('отгрузка')");
        assert_eq!(corrected(&["нет".to_owned()], &similar), None);
        assert_eq!(corrected(&[], &similar), None);
        assert_eq!(corrected(&["a".to_owned()], &[pair("a", "x' | 'y")]), None, "no operators in words");
    }

    #[test]
    fn fragments_are_escaped_and_marked() {
        let headline = format!("a <b> {BEGIN}склад{END} & \"x\"{CUT}{BEGIN}склада{END}\nконец");
        assert_eq!(
            fragments(&headline),
            ["a &lt;b&gt; <mark>склад</mark> &amp; &quot;x&quot;", "<mark>склада</mark> конец"]
        );
    }

    proptest! {
        #[test]
        fn no_tag_but_paired_marks_comes_out(text in "(\\PC|[\u{e000}\u{e001}\u{e002}<>&\"'a]){0,80}") {
            for html in fragments(&text) {
                let bare = html.replace("<mark>", "\u{1}").replace("</mark>", "\u{2}");
                prop_assert!(!bare.contains(['<', '>', '"', '\'']), "{}", html);
                let mut open = false;
                for c in bare.chars() {
                    match c { '\u{1}' => { prop_assert!(!open); open = true; } '\u{2}' => { prop_assert!(open); open = false; } _ => {} }
                }
                prop_assert!(!open);
            }
        }
    }
}
