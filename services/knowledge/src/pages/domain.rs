//! What a page is, where it may be, and what changed in it.

mod diff;

pub use diff::{Kind, Piece, diff};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::spaces::domain::Level;

/// Deepest a page may be below the top of its space.
pub const DEEPEST: usize = 50;

/// Most pages directly below one.
pub const MOST_CHILDREN: usize = 1_000;

/// Most pages that are moved or deleted together.
pub const MOST_TOGETHER: usize = 10_000;

/// A page, with what the reader may do with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Id.
    pub id: Uuid,
    /// Its space.
    pub space_id: Uuid,
    /// Key of that.
    pub space_key: String,
    /// The page above it.
    pub parent_id: Option<Uuid>,
    /// All pages above it, from the top.
    pub path: Vec<Uuid>,
    /// Title.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// Number of the newest version.
    pub version: i32,
    /// Version of its newest event.
    pub event_version: i64,
    /// Who wrote the newest version.
    pub author_id: String,
    /// What the author said.
    pub comment: String,
    /// When.
    pub saved_at: OffsetDateTime,
    /// When it was created.
    pub created_at: OffsetDateTime,
    /// When it was put into the trash.
    pub trashed_at: Option<OffsetDateTime>,
    /// The page it was put there with.
    pub trashed_with: Option<Uuid>,
    /// What the reader may do.
    pub level: Level,
}

/// A page and what is below it, as far as a move is concerned: the pages above each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// Id.
    pub id: Uuid,
    /// All pages above it, from the top.
    pub path: Vec<Uuid>,
}

/// Why a page can't be somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misplaced {
    /// Below itself.
    Cycle,
    /// Below the deepest level.
    TooDeep,
}

/// The paths of a page and everything below it after the page is moved to `target`, the path that ends with its new parent.
///
/// # Errors
/// When the page or something below it can't be there.
pub fn transplanted(page: Uuid, old: &[Uuid], target: &[Uuid], below: &[Branch]) -> Result<Vec<Branch>, Misplaced> {
    if target.contains(&page) {
        return Err(Misplaced::Cycle);
    }
    let moved = |branch: &Branch| Branch {
        id: branch.id,
        path: [target, branch.path.get(old.len()..).unwrap_or_default()].concat(),
    };
    let all: Vec<Branch> =
        std::iter::once(Branch { id: page, path: target.to_vec() }).chain(below.iter().map(moved)).collect();
    if all.iter().any(|branch| branch.path.len() >= DEEPEST) { Err(Misplaced::TooDeep) } else { Ok(all) }
}

/// The order of siblings after one is put before another, or at the end.
#[must_use]
pub fn reordered(siblings: &[Uuid], page: Uuid, before: Option<Uuid>) -> Vec<Uuid> {
    let mut order: Vec<Uuid> = siblings.iter().copied().filter(|sibling| *sibling != page).collect();
    let at = before.and_then(|before| order.iter().position(|sibling| *sibling == before)).unwrap_or(order.len());
    order.insert(at, page);
    order
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    fn branch(n: u128, path: &[u128]) -> Branch {
        Branch { id: id(n), path: path.iter().copied().map(id).collect() }
    }

    #[test]
    fn a_branch_moves_with_everything_below() {
        let below = [branch(3, &[1, 2]), branch(4, &[1, 2, 3])];
        let moved = transplanted(id(2), &[id(1)], &[id(7), id(8)], &below).unwrap();
        assert_eq!(moved, [branch(2, &[7, 8]), branch(3, &[7, 8, 2]), branch(4, &[7, 8, 2, 3])]);
        let top = transplanted(id(2), &[id(1)], &[], &below).unwrap();
        assert_eq!(top, [branch(2, &[]), branch(3, &[2]), branch(4, &[2, 3])]);
    }

    #[test]
    fn nothing_comes_below_itself_or_too_deep() {
        let below = [branch(3, &[1, 2])];
        assert_eq!(transplanted(id(2), &[id(1)], &[id(1), id(2), id(3)], &below), Err(Misplaced::Cycle));
        assert_eq!(transplanted(id(2), &[id(1)], &[id(2)], &below), Err(Misplaced::Cycle));
        let deep: Vec<Uuid> = (100..149).map(id).collect();
        assert_eq!(transplanted(id(2), &[id(1)], &deep, &below), Err(Misplaced::TooDeep));
        assert!(transplanted(id(2), &[id(1)], &deep[1..], &below).is_ok());
    }

    #[test]
    fn siblings_keep_their_order_around_the_one_that_moves() {
        let order = |list: &[u128]| list.iter().copied().map(id).collect::<Vec<_>>();
        assert_eq!(reordered(&order(&[1, 2, 3]), id(3), Some(id(1))), order(&[3, 1, 2]));
        assert_eq!(reordered(&order(&[1, 2, 3]), id(1), None), order(&[2, 3, 1]));
        assert_eq!(reordered(&order(&[1, 2]), id(9), Some(id(2))), order(&[1, 9, 2]));
        assert_eq!(reordered(&order(&[1, 2]), id(1), Some(id(1))), order(&[2, 1]), "before itself means the end");
    }

    proptest! {
        /// After any moves, paths agree with parents: walking up parent by parent gives the path, and ends.
        #[test]
        fn a_tree_stays_a_tree(moves in prop::collection::vec((1..12_u128, 0..12_u128), 1..60)) {
            let mut tree: Vec<Branch> = (1..12).map(|n| branch(n, &[])).collect();
            for (page, parent) in moves {
                let path = |n: u128| tree.iter().find(|b| b.id == id(n)).map(|b| b.path.clone()).unwrap_or_default();
                let target = if parent == 0 { vec![] } else { [path(parent), vec![id(parent)]].concat() };
                let below: Vec<Branch> = tree.iter().filter(|b| b.path.contains(&id(page))).cloned().collect();
                if let Ok(moved) = transplanted(id(page), &path(page), &target, &below) {
                    for new in moved {
                        tree.iter_mut().find(|b| b.id == new.id).unwrap().path = new.path;
                    }
                }
            }
            for branch in &tree {
                prop_assert!(!branch.path.contains(&branch.id));
                if let Some((parent, above)) = branch.path.split_last() {
                    let parent = tree.iter().find(|b| b.id == *parent).unwrap();
                    prop_assert_eq!(&parent.path, above);
                }
            }
        }
    }
}
