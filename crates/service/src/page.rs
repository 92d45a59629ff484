//! Pages of lists by key ("keyset pagination"): no offsets, stable while rows come and go.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use proto::common::v1::{PageInfo, PageRequest};
use serde::{Serialize, de::DeserializeOwned};

use crate::Violation;

/// Items on a page when the caller does not say.
pub const DEFAULT_SIZE: i64 = 50;
/// Items on a page at most.
pub const LARGEST_SIZE: i64 = 500;

/// Which page of a list ordered by a unique key `K` is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<K> {
    limit: i64,
    /// Key of the last item of the page before; rows must come after it.
    pub after: Option<K>,
}

impl<K: Serialize + DeserializeOwned> Page<K> {
    /// Reads the request.
    ///
    /// # Errors
    /// When the size is out of range or the token is not one of ours.
    pub fn parse(request: &Option<PageRequest>) -> Result<Self, Vec<Violation>> {
        let Some(request) = request else {
            return Ok(Self { limit: DEFAULT_SIZE, after: None });
        };
        let limit = match i64::from(request.page_size) {
            0 => DEFAULT_SIZE,
            size if (1..=LARGEST_SIZE).contains(&size) => size,
            _ => {
                let description = format!("must be 0 (default) to {LARGEST_SIZE}");
                return Err(vec![Violation::new("page.page_size", description)]);
            }
        };
        let after = match request.page_token.as_str() {
            "" => None,
            token => Some(
                read_token(token)
                    .ok_or_else(|| vec![Violation::new("page.page_token", "is not a token of this list")])?,
            ),
        };
        Ok(Self { limit, after })
    }

    /// Items wanted. Ask the database for one more, so that [`Page::finish`] knows whether it goes on.
    #[must_use]
    pub fn limit(&self) -> i64 {
        self.limit
    }

    /// Cuts the rows to the page and makes the token of the next one.
    pub fn finish<T>(&self, mut rows: Vec<T>, key: impl Fn(&T) -> K) -> (Vec<T>, PageInfo) {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let goes_on = rows.len() > limit;
        rows.truncate(limit);
        let next_page_token = match rows.last() {
            Some(last) if goes_on => write_token(&key(last)),
            _ => String::new(),
        };
        (rows, PageInfo { next_page_token })
    }
}

fn write_token<K: Serialize>(key: &K) -> String {
    serde_json::to_vec(key).map(|json| URL_SAFE_NO_PAD.encode(json)).unwrap_or_default()
}

fn read_token<K: DeserializeOwned>(token: &str) -> Option<K> {
    if token.len() > 4096 {
        return None;
    }
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_walked_to_its_end_by_its_tokens() {
        let all: Vec<i64> = (1..=7).collect();
        let (mut seen, mut token) = (Vec::new(), String::new());
        loop {
            let page = Page::<i64>::parse(&Some(PageRequest { page_size: 3, page_token: token })).unwrap();
            let rows = all.iter().copied().filter(|n| Some(*n) > page.after).take(4).collect();
            let (rows, info) = page.finish(rows, |n| *n);
            seen.extend(rows);
            token = info.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(seen, all);
    }

    #[test]
    fn foreign_tokens_and_absurd_sizes_are_refused() {
        for (page_size, page_token) in [(-1, ""), (501, ""), (10, "%%%"), (10, "bm9wZQ")] {
            let request = PageRequest { page_size, page_token: page_token.to_owned() };
            assert!(Page::<i64>::parse(&Some(request)).is_err(), "{page_size} {page_token}");
        }
    }
}
