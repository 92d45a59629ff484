//! Source text as the rules look at it: comments and strings told apart from code, tests told apart from the rest.

use std::path::{Path, PathBuf};

/// A string literal.
pub(crate) struct Literal {
    /// Where its first quote (or `r`) stands in the file.
    pub(crate) start: usize,
    /// What is between the quotes, escapes as written.
    pub(crate) text: String,
}

/// One Rust file.
pub(crate) struct Source {
    /// Path from the root of the tree, with `/`.
    pub(crate) path: String,
    /// As it is.
    pub(crate) text: String,
    /// Same length, comments and the insides of strings and characters blanked, `#[cfg(test)]` items too.
    pub(crate) code: String,
    /// Like `code`, with tests.
    pub(crate) code_with_tests: String,
    /// String literals outside tests.
    pub(crate) literals: Vec<Literal>,
}

impl Source {
    /// Reads the text.
    pub(crate) fn new(path: &str, text: &str) -> Source {
        let (code_with_tests, mut literals) = mask(text);
        let code = without_tests(&code_with_tests);
        literals.retain(|literal| code.as_bytes()[literal.start] != b' ');
        Source { path: path.to_owned(), text: text.to_owned(), code, code_with_tests, literals }
    }

    /// Line number, from 1, of a place in the text.
    pub(crate) fn line(&self, at: usize) -> usize {
        self.text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1
    }

    /// A violation at a place.
    pub(crate) fn at(&self, at: usize, what: &str) -> String {
        format!("{}:{}: {what}", self.path, self.line(at))
    }

    /// File name without `.rs`.
    pub(crate) fn stem(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.strip_suffix(".rs").unwrap_or(name)
    }

    /// True for code that only tests run.
    pub(crate) fn is_test(&self) -> bool {
        self.parts().any(|part| part == "tests" || part == "benches")
            || self.stem() == "tests"
            || self.path.starts_with("crates/testkit/")
    }

    /// The pieces of the path.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &str> {
        self.path.split('/')
    }

    /// Whether the file is the named room of a capability, or lies in a room turned folder: `store.rs`, `store_lots.rs`, `store/lots.rs`.
    pub(crate) fn room(&self, name: &str) -> bool {
        self.parts().any(|part| {
            let part = part.strip_suffix(".rs").unwrap_or(part);
            part == name || part.strip_prefix(name).is_some_and(|rest| rest.starts_with('_'))
        })
    }

    /// Where a word (or path such as `Uuid::new_v4`) stands in the code, not as part of a longer word.
    pub(crate) fn word(&self, word: &str) -> Vec<usize> {
        find_word(&self.code, word)
    }
}

/// Where a word stands, not as part of a longer one.
pub(crate) fn find_word(code: &str, word: &str) -> Vec<usize> {
    let in_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    code.match_indices(word)
        .map(|(at, _)| at)
        .filter(|at| {
            let before = at.checked_sub(1).map(|before| code.as_bytes()[before]);
            let after = code.as_bytes().get(at + word.len()).copied();
            let (first, last) = (word.as_bytes()[0], word.as_bytes()[word.len() - 1]);
            let glued = in_word(first) && before.is_some_and(in_word) || in_word(last) && after.is_some_and(in_word);
            !glued
        })
        .collect()
}

/// Where the bracket that opens at `open` closes.
pub(crate) fn closing(code: &str, open: usize) -> Option<usize> {
    let bytes = code.as_bytes();
    let (opens, closes) = match bytes[open] {
        b'{' => (b'{', b'}'),
        b'(' => (b'(', b')'),
        _ => (b'[', b']'),
    };
    let mut depth = 0usize;
    for (at, byte) in bytes.iter().enumerate().skip(open) {
        if *byte == opens {
            depth += 1;
        } else if *byte == closes {
            depth -= 1;
            if depth == 0 {
                return Some(at);
            }
        }
    }
    None
}

/// Blanks comments and the insides of literals, keeping every position.
fn mask(text: &str) -> (String, Vec<Literal>) {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut literals = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let end = if bytes[at..].starts_with(b"//") {
            let end = text[at..].find('\n').map_or(bytes.len(), |length| at + length);
            blank(&mut code, at, end);
            end
        } else if bytes[at..].starts_with(b"/*") {
            let end = block_comment_end(bytes, at);
            blank(&mut code, at, end);
            end
        } else if let Some((inside, close, end)) = string_at(bytes, at) {
            literals.push(Literal { start: at, text: text[inside..close].to_owned() });
            blank(&mut code, inside, close);
            end
        } else if let Some(end) = character_end(bytes, at) {
            blank(&mut code, at + 1, end - 1);
            end
        } else {
            at + 1
        };
        at = end;
    }
    (String::from_utf8(code).expect("only whole characters are blanked"), literals)
}

fn blank(code: &mut [u8], from: usize, to: usize) {
    for byte in &mut code[from..to] {
        if *byte != b'\n' {
            *byte = b' ';
        }
    }
}

fn block_comment_end(bytes: &[u8], start: usize) -> usize {
    let (mut depth, mut at) = (0, start);
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if bytes[at..].starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    bytes.len()
}

/// The inside and the end of a string literal that starts here.
fn string_at(bytes: &[u8], start: usize) -> Option<(usize, usize, usize)> {
    let within_word = start > 0 && (bytes[start - 1].is_ascii_alphanumeric() || bytes[start - 1] == b'_');
    let mut at = start;
    if !within_word {
        at += usize::from(matches!(bytes[at], b'b' | b'c'));
    }
    if !within_word && bytes.get(at) == Some(&b'r') {
        let hashes = bytes[at + 1..].iter().take_while(|byte| **byte == b'#').count();
        if bytes.get(at + 1 + hashes) == Some(&b'"') {
            let inside = at + 2 + hashes;
            let end: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
            let close = (inside..bytes.len()).find(|at| bytes[*at..].starts_with(&end))?;
            return Some((inside, close, close + end.len()));
        }
        return None;
    }
    if bytes.get(at) != Some(&b'"') {
        return None;
    }
    let inside = at + 1;
    let mut close = inside;
    while close < bytes.len() && bytes[close] != b'"' {
        close += if bytes[close] == b'\\' { 2 } else { 1 };
    }
    Some((inside, close, close + 1))
}

/// The end of a character literal; lifetimes are none.
fn character_end(bytes: &[u8], start: usize) -> Option<usize> {
    if bytes[start] != b'\'' {
        return None;
    }
    if bytes.get(start + 1) == Some(&b'\\') {
        return (start + 3..bytes.len()).find(|at| bytes[*at] == b'\'').map(|at| at + 1);
    }
    let width = match bytes.get(start + 1)? {
        0..=0x7f => 1,
        0x80..=0xdf => 2,
        0xe0..=0xef => 3,
        _ => 4,
    };
    (bytes.get(start + 1 + width) == Some(&b'\'')).then_some(start + 2 + width)
}

fn without_tests(code: &str) -> String {
    let mut kept = code.as_bytes().to_vec();
    for (start, marker) in code.match_indices("#[cfg(test)]") {
        let after = start + marker.len();
        let end = match code[after..].find(['{', ';']) {
            Some(found) if code.as_bytes()[after + found] == b'{' => {
                closing(code, after + found).map_or(code.len(), |end| end + 1)
            }
            Some(found) => after + found + 1,
            None => code.len(),
        };
        blank(&mut kept, start, end);
    }
    String::from_utf8(kept).expect("blanking keeps whole characters")
}

/// The root of the tree.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the tree").to_owned()
}

/// Every file below a folder of the tree with one of the extensions, with its path from the root.
pub(crate) fn files(folder: &str, extensions: &[&str]) -> Vec<(String, String)> {
    let root = root();
    let mut found = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            let name = entry.file_name();
            if path.is_dir() && name != "target" && !name.to_string_lossy().starts_with('.') {
                folders.push(path);
            } else if path.extension().is_some_and(|is| extensions.iter().any(|one| is == *one)) {
                let name = path.strip_prefix(&root).expect("below the root").to_string_lossy().into_owned();
                if let Ok(text) = std::fs::read_to_string(&path) {
                    found.push((name, text));
                }
            }
        }
    }
    found.sort();
    found
}

/// All Rust sources of ours.
pub(crate) fn sources() -> &'static [Source] {
    static SOURCES: std::sync::LazyLock<Vec<Source>> = std::sync::LazyLock::new(|| {
        ["crates", "services", "tests"]
            .iter()
            .flat_map(|folder| files(folder, &["rs"]))
            .map(|(path, text)| Source::new(&path, &text))
            .collect()
    });
    assert!(SOURCES.len() > 20, "the tree was not found");
    &SOURCES
}

#[test]
fn comments_strings_and_tests_are_not_code() {
    let text = "let a = \"f64 // no\"; // f64\nlet b = r#\"f64\"#; /* f64 /* f64 */ */ let c = 'f'; let d: &'a str; let e = '\\'';\n\
                let g = f64::MAX;\n#[cfg(test)]\nmod tests { fn x() { f64 } }\nlet h = 1;";
    let source = Source::new("a.rs", text);
    assert_eq!(source.word("f64").len(), 1);
    assert_eq!(source.line(source.word("f64")[0]), 3);
    assert_eq!(source.literals.len(), 2);
    assert_eq!(source.literals[0].text, "f64 // no");
    assert_eq!(source.word("h").len(), 1);
    assert_eq!(source.code.len(), text.len());
    assert_eq!(find_word("x::now now_utc now", "now").len(), 2);
}
