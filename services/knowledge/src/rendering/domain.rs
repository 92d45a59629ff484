//! Markdown is CommonMark with tables, strikethrough, task lists and autolinks. Footnotes are left out: their definitions nest
//! without end in one line.
//!
//! Two walls against scripts: the Markdown renderer shows raw HTML as text and drops dangerous addresses; the sanitiser then
//! lets only known tags, attributes and address schemes through, whatever the renderer may have missed.

use comrak::{Arena, Node, Options, markdown_to_html, nodes::NodeValue, parse_document};

/// Deepest nesting of block quotes and lists that is drawn; what is deeper is shown as it was written.
const DEEPEST: usize = 64;

fn options() -> Options<'static> {
    let mut options = Options::default();
    options.extension.table = true;
    options.extension.strikethrough = true;
    options.extension.tasklist = true;
    options.extension.autolink = true;
    options.render.escape = true;
    options
}

/// Safe HTML of a Markdown text.
#[must_use]
pub fn html(markdown: &str) -> String {
    let rendered = markdown_to_html(&flattened(markdown), &options());
    let mut cleaner = ammonia::Builder::default();
    cleaner
        .add_tag_attributes("code", ["class"])
        .add_tags(["input"])
        .add_tag_attributes("input", ["type", "checked", "disabled"])
        .add_tag_attributes("td", ["align"])
        .add_tag_attributes("th", ["align"])
        .url_schemes(["http", "https", "mailto", "tel"].into())
        .url_relative(ammonia::UrlRelative::PassThrough)
        .link_rel(Some("noopener noreferrer nofollow"))
        .attribute_filter(|element, attribute, value| match (element, attribute) {
            ("input", "type") => (value == "checkbox").then_some("checkbox".into()),
            ("code", "class") => value.starts_with("language-").then_some(value.into()),
            _ => Some(value.into()),
        });
    cleaner.clean(&rendered).to_string()
}

/// The words of a Markdown text, blocks on lines of their own, for searching and for fragments.
#[must_use]
pub fn plain(markdown: &str) -> String {
    let arena = Arena::new();
    let flat = flattened(markdown);
    let root = parse_document(&arena, &flat, &options());
    let mut text = String::with_capacity(markdown.len());
    for node in root.descendants() {
        words(node, &mut text);
    }
    text.split('\n').map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

fn words<'a>(node: Node<'a>, text: &mut String) {
    match &node.data.borrow().value {
        NodeValue::Text(literal) => text.push_str(literal),
        NodeValue::Code(code) => text.push_str(&code.literal),
        NodeValue::CodeBlock(block) => {
            text.push('\n');
            text.push_str(&block.literal);
        }
        NodeValue::HtmlInline(literal) => text.push_str(literal),
        NodeValue::HtmlBlock(block) => {
            text.push('\n');
            text.push_str(&block.literal);
        }
        NodeValue::SoftBreak | NodeValue::LineBreak | NodeValue::TableCell => text.push(' '),
        NodeValue::Paragraph
        | NodeValue::Heading(_)
        | NodeValue::Item(_)
        | NodeValue::TaskItem(_)
        | NodeValue::TableRow(_)
        | NodeValue::ThematicBreak => text.push('\n'),
        _ => {}
    }
}

/// Takes the nesting out of lines that open more blocks than anybody reads: deep trees cost time by the square of their depth.
fn flattened(markdown: &str) -> String {
    let mut flat = String::with_capacity(markdown.len());
    for line in markdown.split_inclusive('\n') {
        let markers = line.char_indices().take_while(|(_, c)| matches!(c, '>' | '-' | '*' | '+' | ' ' | '\t'));
        let mut opened = 0;
        let mut cut = None;
        for (at, c) in markers {
            opened += usize::from(c != ' ' && c != '\t');
            if opened > DEEPEST {
                cut = Some(at);
                break;
            }
        }
        match cut {
            Some(at) if line[..at].contains('>') || line[..at].contains(' ') => {
                flat.push_str("    ");
                flat.push_str(line);
            }
            _ => flat.push_str(line),
        }
    }
    flat
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads the tags of an HTML text as a browser would, sharing no code with what is tested. Text is `<`-free after escaping.
    fn tags(html: &str) -> Vec<(String, Vec<(String, String)>)> {
        let mut found = Vec::new();
        let mut rest = html;
        while let Some(start) = rest.find('<') {
            rest = &rest[start + 1..];
            let end = tag_end(rest);
            found.push(tag(&rest[..end]));
            rest = &rest[end..];
        }
        found
    }

    fn tag_end(text: &str) -> usize {
        let mut quote = None;
        for (at, c) in text.char_indices() {
            match (quote, c) {
                (None, '"' | '\'') => quote = Some(c),
                (Some(open), c) if open == c => quote = None,
                (None, '>') => return at,
                _ => {}
            }
        }
        text.len()
    }

    fn tag(text: &str) -> (String, Vec<(String, String)>) {
        let name_end = text.find(|c: char| c.is_whitespace()).unwrap_or(text.len());
        let name = text[..name_end].trim_matches('/').to_lowercase();
        let mut attributes = Vec::new();
        let mut rest = text[name_end..].trim_start();
        while !rest.is_empty() && rest != "/" {
            let stop = rest.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(rest.len());
            let key = rest[..stop].to_lowercase();
            rest = rest[stop..].trim_start();
            let mut value = String::new();
            if let Some(after) = rest.strip_prefix('=') {
                let after = after.trim_start();
                if let Some(quote) = after.chars().next().filter(|c| matches!(c, '"' | '\'')) {
                    let inner = &after[1..];
                    let close = inner.find(quote).unwrap_or(inner.len());
                    value = inner[..close].to_owned();
                    rest = inner.get(close + 1..).unwrap_or_default().trim_start();
                } else {
                    let stop = after.find(char::is_whitespace).unwrap_or(after.len());
                    value = after[..stop].to_owned();
                    rest = after[stop..].trim_start();
                }
            }
            attributes.push((key, value));
            if stop == 0 {
                rest = rest.get(rest.chars().next().map_or(0, char::len_utf8)..).unwrap_or_default();
            }
        }
        (name, attributes)
    }

    fn decoded(value: &str) -> String {
        let value = value.replace("&amp;", "&").replace("&colon;", ":").replace("&#58;", ":").replace("&Tab;", "");
        value.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect::<String>().to_lowercase()
    }

    /// What must never be in a page.
    fn assert_safe(html: &str, source: &str) {
        const TAGS: &[&str] = &[
            "script", "style", "iframe", "object", "embed", "svg", "math", "form", "button", "link", "meta", "base",
            "template", "textarea", "select", "frame", "frameset", "applet", "audio", "video", "noscript", "xmp",
            "title",
        ];
        for (name, attributes) in tags(html) {
            assert!(!TAGS.contains(&name.as_str()), "<{name}> from {source:?}: {html:?}");
            for (key, value) in attributes {
                assert!(!key.starts_with("on"), "{key} from {source:?}: {html:?}");
                assert!(
                    !matches!(key.as_str(), "style" | "srcdoc" | "formaction" | "srcset" | "id" | "name"),
                    "{key}: {html:?}"
                );
                if matches!(key.as_str(), "href" | "src" | "cite" | "action") {
                    let value = decoded(&value);
                    for scheme in ["javascript:", "vbscript:", "data:", "file:"] {
                        assert!(!value.starts_with(scheme), "{scheme} from {source:?}: {html:?}");
                    }
                }
                if name == "input" && key == "type" {
                    assert_eq!(value, "checkbox");
                }
            }
        }
    }

    #[test]
    fn the_checker_itself_finds_what_is_unsafe() {
        for bad in [
            "<script>alert(1)</script>",
            "<p onclick=\"x()\">",
            "<img src=x onerror=alert(1)>",
            "<a href=\"javascript:x\">",
            "<a href=' JaVa\tScript:x'>",
            "<A HREF=\"java&Tab;script&colon;x\">",
            "<b style='x'>",
            "<input type=text>",
        ] {
            assert!(std::panic::catch_unwind(|| assert_safe(bad, bad)).is_err(), "{bad}");
        }
        assert_safe("<p><a href=\"https://a.b\" rel=\"x\">ok</a> javascript: &lt;script&gt;</p>", "");
    }

    #[test]
    fn markdown_becomes_html_with_tables() {
        let page = html(
            "# Склад\n\n| а | б |\n|---|:-:|\n| 1 | 2 |\n\n- [x] ~~старое~~ **новое**\n\n```rust\nlet a = 1;\n```",
        );
        for piece in [
            "<h1>Склад</h1>",
            "<table>",
            "<td align=\"center\">2</td>",
            "<del>старое</del>",
            "<strong>новое</strong>",
            "language-rust",
            "checkbox",
        ] {
            assert!(page.contains(piece), "{piece} not in {page}");
        }
    }

    #[test]
    fn known_attacks_do_not_get_through() {
        for attack in ATTACKS {
            assert_safe(&html(attack), attack);
        }
    }

    const ATTACKS: &[&str] = &[
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[a](javascript:alert(1))",
        "[a](JaVaScRiPt:alert(1))",
        "[a](  javascript:alert(1))",
        "[a](&#x6A;avascript:alert(1))",
        "[a](java\tscript:alert(1))",
        "[a](<java\nscript:alert(1)>)",
        "![a](javascript:alert(1))",
        "![a](data:text/html;base64,PHNjcmlwdD4=)",
        "[a](data:text/html,<script>alert(1)</script>)",
        "[a](vbscript:msgbox(1))",
        "<a href=\"javascript:alert(1)\">x</a>",
        "<javascript:alert(1)>",
        "[a]: javascript:alert(1)\n\n[a]",
        "```\"><script>alert(1)</script>\nx\n```",
        "``` language-\" onmouseover=\"alert(1)\nx\n```",
        "<svg onload=alert(1)>",
        "<math><mi//xlink:href=\"data:x,<script>alert(4)</script>\">",
        "<style>@import 'x'</style>",
        "<!--<img src=\"--><img src=x onerror=alert(1)//\">",
        "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
        "[a](https://x\" onclick=\"alert(1))",
        "![\" onerror=\"alert(1)](x)",
        "[a](x \"t\\\" onclick=\\\"alert(1)\")",
        "| <img onerror=x> |\n|---|\n| <script> |",
        "[^1]\n\n[^1]: <script>alert(1)</script>",
        "https://x.y/<script>alert(1)</script>",
    ];

    #[test]
    fn plain_words_have_no_markup() {
        let text = plain(
            "# Заголовок\n\nТекст **жирный** и [ссылка](https://example.com) `код`\n\n| а | б |\n|---|---|\n| в | г |\n\n- один\n- два",
        );
        assert_eq!(text, "Заголовок\nТекст жирный и ссылка код\nа б\nв г\nодин\nдва");
    }

    #[test]
    fn pathological_texts_are_drawn_in_time() {
        let big = 100_000;
        for source in [
            ">".repeat(big),
            "> ".repeat(big / 2),
            "- ".repeat(big / 2),
            "*".repeat(big),
            "* ".repeat(big / 2),
            "[".repeat(big),
            "![[](".repeat(big / 5),
            "<div>".repeat(big / 5),
            "`".repeat(big),
            "1. ".repeat(big / 3),
            "*a_ ".repeat(big / 4),
            "|".repeat(big),
            format!("{}\n{}", "|a".repeat(500), "|-".repeat(500)),
            "[^a]: ".repeat(big / 6),
        ] {
            let page = html(&source);
            assert_safe(&page, &source[..10]);
            let _ = plain(&source);
        }
    }

    fn piece() -> impl Strategy<Value = String> {
        let attack = prop::sample::select(ATTACKS).prop_map(str::to_owned);
        let token = prop::sample::select(vec![
            "<",
            ">",
            "\"",
            "'",
            "/",
            "=",
            " ",
            "\n",
            "\t",
            "(",
            ")",
            "[",
            "]",
            "!",
            "`",
            "*",
            "_",
            "|",
            "---",
            "\\",
            "&",
            ";",
            ":",
            "#",
            "javascript:",
            "data:",
            "on",
            "onclick=",
            "onerror=",
            "alert(1)",
            "script",
            "img",
            "src",
            "href",
            "svg",
            "style",
            "a",
            "x",
            "&#106;",
            "&lt;",
            "&colon;",
            "\u{0}",
            "\u{a0}",
            "я",
            "<!--",
            "-->",
            "<![CDATA[",
            "]]>",
            "<?",
            "?>",
        ])
        .prop_map(str::to_owned);
        prop_oneof![3 => token, 1 => attack, 1 => "\\PC{0,12}"]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        /// Pieces of attacks put together at random: nothing that runs gets through, and nothing panics.
        #[test]
        fn no_script_gets_through(pieces in prop::collection::vec(piece(), 0..25)) {
            let source: String = pieces.concat();
            assert_safe(&html(&source), &source);
            let _ = plain(&source);
        }
    }
}
