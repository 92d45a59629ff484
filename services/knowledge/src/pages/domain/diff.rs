//! Differences, word by word.

use std::time::Duration;

use similar::{ChangeTag, TextDiff};

/// Texts that differ beyond measure are compared more coarsely after this time; the pieces still make up both texts.
const PATIENCE: Duration = Duration::from_millis(500);

/// What happened to a piece of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// In both.
    Equal,
    /// Only in the old text.
    Deleted,
    /// Only in the new text.
    Inserted,
}

/// A piece of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// What happened to it.
    pub kind: Kind,
    /// The piece.
    pub text: String,
}

/// What changed between two texts. Equal and deleted pieces are the old text, equal and inserted ones the new.
#[must_use]
pub fn diff(old: &str, new: &str) -> Vec<Piece> {
    let diff = TextDiff::configure().timeout(PATIENCE).diff_unicode_words(old, new);
    let mut pieces: Vec<Piece> = Vec::new();
    for change in diff.iter_all_changes() {
        let kind = match change.tag() {
            ChangeTag::Equal => Kind::Equal,
            ChangeTag::Delete => Kind::Deleted,
            ChangeTag::Insert => Kind::Inserted,
        };
        match pieces.last_mut() {
            Some(last) if last.kind == kind => last.text.push_str(change.value()),
            _ => pieces.push(Piece { kind, text: change.value().to_owned() }),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn piece(kind: Kind, text: &str) -> Piece {
        Piece { kind, text: text.to_owned() }
    }

    fn side(pieces: &[Piece], left_out: Kind) -> String {
        pieces.iter().filter(|piece| piece.kind != left_out).map(|piece| piece.text.as_str()).collect()
    }

    #[test]
    fn words_that_changed_are_told_apart_from_those_that_did_not() {
        let pieces = diff("Отгрузка до 18:00, кроме субботы.", "Отгрузка до 19:00, кроме субботы и праздников.");
        assert_eq!(pieces.first(), Some(&piece(Kind::Equal, "Отгрузка до ")));
        assert!(pieces.contains(&piece(Kind::Inserted, " и праздников")), "{pieces:?}");
        assert!(!pieces.iter().any(|piece| piece.kind != Kind::Equal && piece.text.contains("кроме")));
        assert_eq!(diff("a b", "a b"), [piece(Kind::Equal, "a b")]);
        assert_eq!(diff("", "a"), [piece(Kind::Inserted, "a")]);
        assert!(diff("", "").is_empty());
    }

    proptest! {
        #[test]
        fn the_pieces_make_up_both_texts(old in "([а-в ]|[.,]|\\PC){0,60}", new in "([а-в ]|[.,]|\\PC){0,60}") {
            let pieces = diff(&old, &new);
            prop_assert_eq!(side(&pieces, Kind::Inserted), old);
            prop_assert_eq!(side(&pieces, Kind::Deleted), new);
            prop_assert!(pieces.windows(2).all(|pair| pair[0].kind != pair[1].kind), "neighbours differ in kind");
        }
    }

    #[test]
    fn huge_and_wholly_different_texts_are_compared_in_time() {
        let old: String = (0..30_000).map(|n| format!("a{n} ")).collect();
        let new: String = (0..30_000).map(|n| format!("b{n} ")).collect();
        let pieces = diff(&old, &new);
        assert_eq!(side(&pieces, Kind::Inserted), old);
        assert_eq!(side(&pieces, Kind::Deleted), new);
    }
}
