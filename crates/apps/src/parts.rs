//! The whole syntax of templates: `{{name}}` stands for a variable, everything else for itself. No conditions, no loops, no
//! includes, no escapes. Each text is read once; what is put in is never read again.

use crate::names::is_variable;

/// A piece of a template's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part<'t> {
    Text(&'t str),
    Variable(&'t str),
}

/// The pieces in order; else what is wrong. Spaces within the braces do not count.
// threat: ANP-0021 ANP-B0009
pub(crate) fn parts(text: &str) -> Result<Vec<Part<'_>>, String> {
    let (mut all, mut rest) = (Vec::new(), text);
    while let Some((before, after)) = rest.split_once("{{") {
        let inner = after.split_once("}}");
        let Some((name, behind)) = inner.filter(|(name, _)| is_variable(name.trim_matches(' '))) else {
            let shown: String = after.chars().take(24).collect();
            return Err(format!(
                "has `{{{{{shown}`: two braces begin a variable such as `{{{{name}}}}`, and nothing else"
            ));
        };
        if !before.is_empty() {
            all.push(Part::Text(before));
        }
        all.push(Part::Variable(name.trim_matches(' ')));
        rest = behind;
    }
    if !rest.is_empty() {
        all.push(Part::Text(rest));
    }
    Ok(all)
}
