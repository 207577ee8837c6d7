//! Reads the `connector:` of a source or tool and checks what can be known before a call: which hosts, which
//! files, and that each marked place can be filled.

use std::collections::{BTreeMap, BTreeSet};

use interlock_core::id::SecretName;
use interlock_core::label::{Path, PathSegment};
use interlock_core::limits::COMMAND_ARGUMENTS_MAX;

use super::{
    CommandConnector, CommandInput, FileConnector, FileRoot, HeaderValue, HttpConnector,
    HttpMethod, LedgerConnector, Pattern, PatternPart, ReadOutput, SourceConnector, Surroundings,
    ToolConnector,
};
use crate::node::Node;
use crate::problem::one_of;
use crate::reader::Reader;

const HEADERS_MAX: usize = 32;
const HOSTS_MAX: usize = 32;

/// Reads a source's connector.
pub(crate) fn read_source(
    node: &Node,
    around: Surroundings<'_>,
    files: &BTreeSet<&str>,
    reader: &mut Reader<'_>,
) -> Option<SourceConnector> {
    let (kind, inner) = one(node, &["file", "http", "command"], reader)?;
    match kind {
        "file" => read_file(inner, around, files, reader).map(SourceConnector::File),
        "http" => read_http(inner, around, true, reader).map(SourceConnector::Http),
        _ => read_command(inner, around, reader).map(SourceConnector::Command),
    }
}

/// Reads a tool's connector.
pub(crate) fn read_tool(
    node: &Node,
    around: Surroundings<'_>,
    reader: &mut Reader<'_>,
) -> Option<ToolConnector> {
    let (kind, inner) = one(node, &["http", "command", "ledger"], reader)?;
    match kind {
        "http" => read_http(inner, around, false, reader).map(ToolConnector::Http),
        "command" => read_command(inner, around, reader).map(ToolConnector::Command),
        _ => {
            let mut fields = reader.fields(inner, "a ledger connector")?;
            let file = fields.must("file", reader).and_then(|node| {
                let text = reader.text(node)?;
                if is_file_name(text) {
                    return Some(text.to_owned());
                }
                reader.refuse(
                    &node.span,
                    format!("`{text}` is not a plain file name"),
                    "the ledger lies in the data directory: write for example `submissions.jsonl`",
                );
                None
            });
            fields.end(reader);
            Some(ToolConnector::Ledger(LedgerConnector { file: file? }))
        }
    }
}

/// The one member of a connector.
fn one<'n>(
    node: &'n Node,
    kinds: &[&'static str],
    reader: &mut Reader<'_>,
) -> Option<(&'static str, &'n Node)> {
    match node.members() {
        [(key, inner)] => match kinds.iter().find(|kind| **kind == key.name) {
            Some(kind) => Some((kind, inner)),
            None => {
                let hint = one_of(&key.name, kinds.iter().copied());
                reader.refuse(&key.span, format!("unknown connector `{}`", key.name), hint);
                None
            }
        },
        _ => {
            reader.refuse(
                &node.span,
                "one connector belongs here",
                one_of("", kinds.iter().copied()),
            );
            None
        }
    }
}

/// A plain file name: no folder, not hidden.
fn is_file_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('.')
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}

/// A pattern whose places can be filled.
fn pattern(node: &Node, around: Surroundings<'_>, reader: &mut Reader<'_>) -> Option<Pattern> {
    let text = reader.text(node)?;
    let pattern = match Pattern::parse(text) {
        Ok(pattern) => pattern,
        Err(fault) => {
            reader.refuse(
                &node.span,
                format!("this text has {fault}"),
                "a place is `{member}` or `${setting.NAME}`",
            );
            return None;
        }
    };
    for field in pattern.fields() {
        if let Err(astray) = around
            .shape
            .leads(&Path::new(vec![PathSegment::Key(field.to_owned())]))
        {
            let hint = one_of(field, astray.declared.iter().map(String::as_str));
            reader.refuse(
                &node.span,
                format!("`{field}` is not declared in {}", around.shape.file),
                hint,
            );
            return None;
        }
        if !around.shape.requires(field) {
            let hint = format!("add it to `required` in {}", around.shape.file);
            reader.refuse(
                &node.span,
                format!("`{field}` may be missing, so this place may stay empty"),
                hint,
            );
            return None;
        }
    }
    Some(pattern)
}

fn read_output(node: Option<&Node>, reader: &mut Reader<'_>) -> Option<ReadOutput> {
    node.map_or(Some(ReadOutput::Json), |node| {
        reader.choice(
            node,
            &[("json", ReadOutput::Json), ("lines", ReadOutput::Lines)],
        )
    })
}

fn read_file(
    node: &Node,
    around: Surroundings<'_>,
    files: &BTreeSet<&str>,
    reader: &mut Reader<'_>,
) -> Option<FileConnector> {
    let mut fields = reader.fields(node, "a file connector")?;
    let output = read_output(fields.may("output"), reader);
    let path = fields.must("path", reader);
    fields.end(reader);
    let node = path?;
    let path = pattern(node, around, reader)?;
    let text = node.text().unwrap_or_default();
    if text
        .split('/')
        .any(|part| part.is_empty() && !text.starts_with("${") || part == ".." || part == ".")
    {
        reader.refuse(
            &node.span,
            "this path is not plain",
            "write folders and a file name with single `/`, without `..`",
        );
        return None;
    }
    let known = |text: &str| files.contains(text);
    match path.parts() {
        [PatternPart::Root(name), PatternPart::Text(rest), ..] if rest.starts_with('/') => {
            let root = FileRoot::Operator(name.clone());
            Some(FileConnector {
                root,
                path: path.after_root(),
                output: output?,
            })
        }
        [PatternPart::Text(first), ..] if first.starts_with("data/") => {
            if path.as_text().is_some_and(|text| !known(text)) {
                let hint = one_of(
                    text,
                    files
                        .iter()
                        .copied()
                        .filter(|file| file.starts_with("data/")),
                );
                reader.refuse(&node.span, format!("`{text}` is not in this bundle"), hint);
                return None;
            }
            if path
                .parts()
                .iter()
                .any(|part| !matches!(part, PatternPart::Text(_) | PatternPart::Field(_)))
            {
                reader.refuse(
                    &node.span,
                    "a file of the bundle is named by its query alone",
                    "",
                );
                return None;
            }
            Some(FileConnector {
                root: FileRoot::Bundle,
                path,
                output: output?,
            })
        }
        _ => {
            let hint = "start with `data/` for a file of the bundle, or with `${root.NAME}/` for a folder that the operator configured";
            reader.refuse(&node.span, "this path starts nowhere", hint);
            None
        }
    }
}

fn read_http(
    node: &Node,
    around: Surroundings<'_>,
    source: bool,
    reader: &mut Reader<'_>,
) -> Option<HttpConnector> {
    let mut fields = reader.fields(node, "an http connector")?;
    let method = if source {
        Some(HttpMethod::Get)
    } else {
        let words = HttpMethod::ALL.map(|method| (method.as_str(), method));
        fields
            .must("method", reader)
            .and_then(|node| reader.choice(node, &words))
    };
    let url_node = fields.must("url", reader);
    let url = url_node.and_then(|node| pattern(node, around, reader));
    let hosts_node = fields.must("hosts", reader);
    let hosts = hosts_node.and_then(|node| {
        let items = reader.list(node, HOSTS_MAX)?;
        let hosts: Vec<_> = items.iter().map(|item| host(item, reader)).collect();
        hosts.into_iter().collect::<Option<Vec<_>>>()
    });
    let allow_private = fields
        .may("allow_private")
        .map_or(Some(false), |node| reader.truth(node));
    let headers = fields
        .may("headers")
        .map_or(Some(BTreeMap::new()), |node| read_headers(node, reader));
    let (idempotency_header, status_url) = if source {
        (Some(None), Some(None))
    } else {
        let header = fields
            .may("idempotency_header")
            .map(|node| header_name(node, reader));
        let status = fields
            .may("status_url")
            .map(|node| pattern(node, around, reader));
        (
            header.map_or(Some(None), |found| found.map(Some)),
            status.map_or(Some(None), |found| found.map(Some)),
        )
    };
    fields.end(reader);
    let (url, hosts) = (url?, hosts?);
    if let Some(node) = url_node {
        check_address(node, &hosts, around, reader)?;
    }
    Some(HttpConnector {
        method: method?,
        url,
        hosts,
        allow_private: allow_private?,
        headers: headers?,
        idempotency_header: idempotency_header?,
        status_url: status_url?,
    })
}

fn host(node: &Node, reader: &mut Reader<'_>) -> Option<Pattern> {
    let text = reader.text(node)?;
    let pattern = Pattern::parse(text).ok().filter(|pattern| {
        pattern.parts().iter().all(|part| match part {
            PatternPart::Text(text) => text.bytes().all(|b| {
                b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']')
            }),
            PatternPart::Setting(_) => true,
            _ => false,
        })
    });
    if pattern.is_none() {
        reader.refuse(
            &node.span,
            format!("`{text}` is not a host"),
            "write a name or address without scheme, port or path; a setting may stand for it",
        );
    }
    pattern
}

fn header_name(node: &Node, reader: &mut Reader<'_>) -> Option<String> {
    let text = reader.text(node)?;
    if text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Some(text.to_owned());
    }
    reader.refuse(
        &node.span,
        format!("`{text}` is not a header's name"),
        "letters, digits and `-`",
    );
    None
}

fn read_headers(node: &Node, reader: &mut Reader<'_>) -> Option<BTreeMap<String, HeaderValue>> {
    reader.fields(node, "a mapping of headers")?;
    let members = node.members();
    if members.len() > HEADERS_MAX {
        reader.refuse(&node.span, format!("more than {HEADERS_MAX} headers"), "");
        return None;
    }
    let mut headers = BTreeMap::new();
    let mut sound = true;
    for (key, value) in members {
        let Some(text) = reader.text(value) else {
            sound = false;
            continue;
        };
        let header = match text.split_once("secret://") {
            Some((prefix, name)) => match SecretName::parse(name) {
                Ok(name) => Some(HeaderValue::Secret {
                    prefix: prefix.to_owned(),
                    name,
                }),
                Err(_) => None,
            },
            None if text.bytes().all(|b| (0x20..0x7f).contains(&b)) => {
                Some(HeaderValue::Text(text.to_owned()))
            }
            None => None,
        };
        let secret_by_name = [
            "authorization",
            "cookie",
            "x-api-key",
            "proxy-authorization",
        ];
        let named = secret_by_name.contains(&key.name.to_ascii_lowercase().as_str());
        match header {
            Some(HeaderValue::Text(_)) if named => {
                let hint = "store it with `interlock key set NAME` and write `secret://NAME`";
                let message = format!(
                    "the header `{}` would hold a secret in plain text",
                    key.name
                );
                reader
                    .report
                    .refuse_unseen(reader.file, &value.span, &message, hint);
                sound = false;
            }
            Some(header) => {
                headers.insert(key.name.to_ascii_lowercase(), header);
            }
            None => {
                reader.refuse(
                    &value.span,
                    "this is not a header's value",
                    "plain ASCII, or `secret://NAME`",
                );
                sound = false;
            }
        }
    }
    sound.then_some(headers)
}

/// The scheme is fixed, and the host is one of those declared.
fn check_address(
    node: &Node,
    hosts: &[Pattern],
    around: Surroundings<'_>,
    reader: &mut Reader<'_>,
) -> Option<()> {
    let text = node.text().unwrap_or_default();
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let Some(rest) = rest else {
        reader.refuse(
            &node.span,
            "this address is not an http one",
            "start with `https://`, or with `http://` inside your own network",
        );
        return None;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        reader.refuse(
            &node.span,
            "this address carries a user name",
            "put credentials in `headers` as `secret://NAME`",
        );
        return None;
    }
    let parsed = Pattern::parse(authority).ok();
    let chosen = parsed
        .as_ref()
        .is_none_or(|found| found.fields().next().is_some() || found.has_key());
    if chosen && !around.egress {
        let hint = "write the host out, or take it from `${setting.NAME}`; a source whose query chooses the host declares `egress: true`";
        reader.refuse(&node.span, "a value of the run would choose the host", hint);
        return None;
    }
    let host = if authority.starts_with('[') {
        authority.split_inclusive(']').next().unwrap_or_default()
    } else {
        match authority.rsplit_once(':') {
            Some((host, port))
                if port.bytes().all(|b| b.is_ascii_digit()) || port.starts_with("${") =>
            {
                host
            }
            _ => authority,
        }
    };
    let known = Pattern::parse(host)
        .ok()
        .is_some_and(|host| hosts.contains(&host))
        || parsed.is_some_and(|whole| hosts.contains(&whole));
    if !chosen && !known {
        reader.refuse(
            &node.span,
            format!("the host `{host}` is not among `hosts`"),
            format!("add `{host}` to `hosts`"),
        );
        return None;
    }
    Some(())
}

fn read_command(
    node: &Node,
    around: Surroundings<'_>,
    reader: &mut Reader<'_>,
) -> Option<CommandConnector> {
    let mut fields = reader.fields(node, "a command connector")?;
    let argv_node = fields.must("argv", reader);
    let argv = argv_node.and_then(|node| {
        let items = reader.list(node, COMMAND_ARGUMENTS_MAX)?;
        let argv: Vec<_> = items
            .iter()
            .map(|item| pattern(item, around, reader))
            .collect();
        argv.into_iter().collect::<Option<Vec<_>>>()
    });
    let stdin = fields
        .may("stdin")
        .map_or(Some(CommandInput::None), |node| {
            reader.choice(
                node,
                &[("none", CommandInput::None), ("json", CommandInput::Json)],
            )
        });
    let output = read_output(fields.may("output"), reader);
    fields.end(reader);
    let argv = argv?;
    let program = argv.first().and_then(Pattern::as_text);
    if !program.is_some_and(|program| {
        program.starts_with('/') && !program.split('/').any(|part| part == "..")
    }) {
        let span = argv_node.map_or_else(|| node.span.clone(), |node| node.span.clone());
        reader.refuse(
            &span,
            "the program is not an absolute path",
            "write for example `/usr/bin/tail`; no shell is started and no path searched",
        );
        return None;
    }
    Some(CommandConnector {
        argv,
        stdin: stdin?,
        output: output?,
    })
}
