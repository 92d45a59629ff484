//! CSV by RFC 4180.

/// A field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Text, written as it is.
    Text(String),
    /// A decimal number with a point, or nothing.
    Number(String),
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// `;` or `,`.
    pub separator: char,
    /// Numbers with a comma instead of the point.
    pub decimal_comma: bool,
    /// A byte order mark in front.
    pub byte_order_mark: bool,
}

/// A report as lines of fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Names of the columns.
    pub heading: Vec<String>,
    /// The lines.
    pub lines: Vec<Vec<Cell>>,
}

impl Style {
    /// One line with its end.
    #[must_use]
    pub fn line(self, cells: &[Cell]) -> String {
        let fields: Vec<String> = cells.iter().map(|cell| self.field(cell)).collect();
        let mut separator = [0; 4];
        let mut line = fields.join(self.separator.encode_utf8(&mut separator));
        line.push_str("\r\n");
        line
    }

    fn field(self, cell: &Cell) -> String {
        let text = match cell {
            Cell::Number(number) if self.decimal_comma => number.replace('.', ","),
            Cell::Number(text) | Cell::Text(text) => text.clone(),
        };
        if text.contains([self.separator, '"', '\r', '\n']) {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text
        }
    }

    /// The whole file in pieces of about `size` bytes, never much larger than a piece and a line.
    pub fn pieces(self, table: Table, size: usize) -> impl Iterator<Item = String> + Send {
        let heading: Vec<Cell> = table.heading.into_iter().map(Cell::Text).collect();
        let mark = if self.byte_order_mark { "\u{feff}" } else { "" };
        let mut piece = format!("{mark}{}", self.line(&heading));
        let mut lines = table.lines.into_iter();
        std::iter::from_fn(move || {
            while piece.len() < size {
                let Some(line) = lines.next() else { break };
                piece.push_str(&self.line(&line));
            }
            (!piece.is_empty()).then(|| std::mem::take(&mut piece))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STYLE: Style = Style { separator: ';', decimal_comma: true, byte_order_mark: false };

    #[test]
    fn fields_are_quoted_when_they_must_be_and_only_then() {
        let cells = [
            Cell::Text("plain, text".to_owned()),
            Cell::Text("semi;colon".to_owned()),
            Cell::Text("say \"hi\"".to_owned()),
            Cell::Text("two\r\nlines".to_owned()),
            Cell::Number("-1234.50".to_owned()),
        ];
        let line = STYLE.line(&cells);
        assert_eq!(line, "plain, text;\"semi;colon\";\"say \"\"hi\"\"\";\"two\r\nlines\";-1234,50\r\n");
        let comma = Style { separator: ',', ..STYLE };
        assert_eq!(comma.line(&cells[4..]), "\"-1234,50\"\r\n");
    }

    /// Reads a CSV text back, by the grammar of RFC 4180.
    fn read(text: &str, separator: char) -> Vec<Vec<String>> {
        let (mut lines, mut line, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '"' if quoted && chars.peek() == Some(&'"') => field.extend(chars.next()),
                '"' => quoted = !quoted,
                c if c == separator && !quoted => line.push(std::mem::take(&mut field)),
                '\r' if !quoted && chars.peek() == Some(&'\n') => {
                    chars.next();
                    line.push(std::mem::take(&mut field));
                    lines.push(std::mem::take(&mut line));
                }
                c => field.push(c),
            }
        }
        lines
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_whatever_it_is_and_however_it_is_cut(
            lines in prop::collection::vec(prop::collection::vec("[a;,\"\r\n é]{0,6}", 3), 0..20),
            size in 1usize..100,
        ) {
            let table = Table {
                heading: vec!["x".to_owned(), "y;".to_owned(), "z".to_owned()],
                lines: lines.iter().map(|line| line.iter().cloned().map(Cell::Text).collect()).collect(),
            };
            let text: String = STYLE.pieces(table, size).collect();
            let back = read(&text, ';');
            prop_assert_eq!(&back[0], &["x", "y;", "z"]);
            prop_assert_eq!(&back[1..], &lines[..]);
        }
    }
}
