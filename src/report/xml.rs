//! Writing XML: everything that is put in is escaped, whatever it holds.

use std::fmt::{Display, Write as _};

/// An XML document in the making.
pub(super) struct Xml {
    text: String,
    open: Vec<&'static str>,
}

/// Names and values of attributes.
pub(super) type Attributes<'a> = &'a [(&'static str, &'a dyn Display)];

impl Xml {
    pub(super) fn new() -> Self {
        Self { text: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".into(), open: Vec::new() }
    }

    /// Begins an element that has others in it.
    pub(super) fn open(&mut self, name: &'static str, attributes: Attributes<'_>) {
        self.tag(name, attributes);
        self.text.push_str(">\n");
        self.open.push(name);
    }

    /// Ends the element that was begun last.
    pub(super) fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            self.indent();
            let _ = writeln!(self.text, "</{name}>");
        }
    }

    /// An element without content.
    pub(super) fn empty(&mut self, name: &'static str, attributes: Attributes<'_>) {
        self.tag(name, attributes);
        self.text.push_str("/>\n");
    }

    /// An element that holds text.
    pub(super) fn text(&mut self, name: &'static str, attributes: Attributes<'_>, text: &str) {
        self.tag(name, attributes);
        self.text.push('>');
        escape(&mut self.text, text, false);
        let _ = writeln!(self.text, "</{name}>");
    }

    /// The whole document.
    pub(super) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.text
    }

    fn tag(&mut self, name: &str, attributes: Attributes<'_>) {
        self.indent();
        let _ = write!(self.text, "<{name}");
        for (name, value) in attributes {
            let _ = write!(self.text, " {name}=\"");
            escape(&mut self.text, &value.to_string(), true);
            self.text.push('"');
        }
    }

    fn indent(&mut self) {
        self.text.extend(std::iter::repeat_n(' ', self.open.len()));
    }
}

/// Appends `text` as it may stand in a document. What XML 1.0 cannot hold (§2.2), and other control characters,
/// become U+FFFD.
fn escape(to: &mut String, text: &str, attribute: bool) {
    for c in text.chars() {
        match c {
            '<' => to.push_str("&lt;"),
            '>' => to.push_str("&gt;"),
            '&' => to.push_str("&amp;"),
            '"' if attribute => to.push_str("&quot;"),
            // Written plainly, a reader would make them spaces.
            '\t' | '\n' if attribute => {
                let _ = write!(to, "&#{};", u32::from(c));
            }
            '\t' | '\n' => to.push(c),
            '\u{FFFE}' | '\u{FFFF}' => to.push('\u{FFFD}'),
            c if c.is_control() => to.push('\u{FFFD}'),
            c => to.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_put_in_is_markup() {
        let mut xml = Xml::new();
        xml.open("a", &[("b", &"\"<&>\n\u{1b}\u{0}")]);
        xml.text("c", &[], "]]> <d>&amp;\r\n\u{FFFF}\u{85}ü");
        xml.empty("e", &[("n", &1.5)]);
        let text = xml.finish();
        let lines: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(
            lines,
            [
                "<a b=\"&quot;&lt;&amp;&gt;&#10;\u{FFFD}\u{FFFD}\">",
                " <c>]]&gt; &lt;d&gt;&amp;amp;\u{FFFD}",
                "\u{FFFD}\u{FFFD}ü</c>",
                " <e n=\"1.5\"/>",
                "</a>",
            ]
        );
    }
}
