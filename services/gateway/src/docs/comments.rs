//! Comments of the proto files, by what they stand on.

use std::collections::HashMap;

use prost_reflect::{DescriptorPool, FileDescriptor};

/// Comments by file and path within it.
#[derive(Debug, Default)]
pub(super) struct Comments {
    texts: HashMap<(String, Vec<i32>), String>,
}

impl Comments {
    /// Of all files.
    pub(super) fn new(pool: &DescriptorPool) -> Self {
        let mut texts = HashMap::new();
        for file in pool.files() {
            let Some(info) = &file.file_descriptor_proto().source_code_info else { continue };
            for location in &info.location {
                if let Some(text) = location.leading_comments.as_deref().or(location.trailing_comments.as_deref()) {
                    let lines: Vec<&str> = text.lines().map(str::trim).collect();
                    texts.insert((file.name().to_owned(), location.path.clone()), lines.join("\n").trim().to_owned());
                }
            }
        }
        Self { texts }
    }

    /// The comment at a place; empty when there is none.
    pub(super) fn at(&self, file: &FileDescriptor, path: &[i32]) -> &str {
        self.texts.get(&(file.name().to_owned(), path.to_vec())).map_or("", String::as_str)
    }
}

/// The first sentence of a comment, on one line.
pub(super) fn summary(comment: &str) -> String {
    let line = comment.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    let end = line.find(". ").unwrap_or(line.len());
    line[..end].trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_the_first_sentence() {
        assert_eq!(summary("Pushes an\norder. Refuses others.\n\nMore."), "Pushes an order");
        assert_eq!(summary(""), "");
    }
}
