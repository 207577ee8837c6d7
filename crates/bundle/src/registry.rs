//! `sources/*.yaml` and `tools/*.yaml`: what may be read and what may act. What a file does not say is taken at
//! its worst: irreversible, external, seen by anyone, cleared for public values only, never repeated, and moved to
//! act on something by each of its arguments.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::FromStr;

use interlock_core::id::{SchemaName, SourceName, ToolName};
use interlock_core::label::{Allowed, Confidentiality, Path};
use interlock_core::limits::TOOL_MILLIS_MAX;
use interlock_core::registry::{Effect, Recovery, Source, Tool};

use crate::connector::{self, SourceConnector, Surroundings, ToolConnector};
use crate::node::Node;
use crate::problem::one_of;
use crate::reader::{At, Fields, Reader};
use crate::schema::{BundleShapes, allowed};

/// Milliseconds of a call whose file does not say.
const TIMEOUT_MILLIS: u32 = 30_000;
const SENSITIVE_MAX: usize = 64;

/// What a declaration may refer to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Declared<'d> {
    pub(crate) shapes: &'d BundleShapes,
    pub(crate) files: &'d BTreeSet<&'d str>,
}

/// Reads a source's file.
pub(crate) fn read_source(
    node: &Node,
    declared: Declared<'_>,
    reader: &mut Reader<'_>,
) -> Option<(Source, SourceConnector)> {
    let mut fields = reader.fields(node, "a source")?;
    let name: Option<At<SourceName>> = named(&mut fields, reader);
    let purpose = fields
        .must("purpose", reader)
        .and_then(|node| reader.text(node));
    let query = fields
        .must("query", reader)
        .and_then(|node| schema(node, declared.shapes, reader));
    let result = fields
        .must("result", reader)
        .and_then(|node| schema(node, declared.shapes, reader));
    let register = fields
        .may("register")
        .map_or(Some(false), |node| reader.truth(node));
    let egress = fields
        .may("egress")
        .map_or(Some(false), |node| reader.truth(node));
    let timeout = timeout(&mut fields, reader);
    let connector = fields.must("connector", reader);
    fields.end(reader);
    if let Some(result) = &result {
        labelled(result, declared.shapes, reader);
    }
    let (query, egress) = (query?, egress?);
    let shape = declared.shapes.schema(&query.value)?;
    let connector = connector::read_source(
        connector?,
        Surroundings { shape, egress },
        declared.files,
        reader,
    );
    purpose?;
    let source = Source {
        name: name?.value,
        query: query.value,
        result: result?.value,
        register: register?,
        egress,
        timeout_millis: timeout?,
    };
    Some((source, connector?))
}

/// A tool with what is only known when all tools are.
#[derive(Debug)]
pub(crate) struct ReadTool {
    pub(crate) tool: Tool,
    pub(crate) connector: ToolConnector,
    pub(crate) rollback: Option<At<ToolName>>,
}

/// Reads a tool's file.
pub(crate) fn read_tool(
    node: &Node,
    declared: Declared<'_>,
    reader: &mut Reader<'_>,
) -> Option<ReadTool> {
    let mut fields = reader.fields(node, "a tool")?;
    let head = fields.head();
    let name: Option<At<ToolName>> = named(&mut fields, reader);
    let purpose = fields
        .must("purpose", reader)
        .and_then(|node| reader.text(node));
    let effects = [Effect::Read, Effect::Reversible, Effect::Irreversible]
        .map(|effect| (effect.as_str(), effect));
    let effect = fields
        .may("effect")
        .map_or(Some(Effect::Irreversible), |node| {
            reader.choice(node, &effects)
        });
    let external = fields.may("visibility").map_or(Some(true), |node| {
        reader.choice(node, &[("internal", false), ("external", true)])
    });
    let audience = fields
        .may("audience")
        .map_or(Some(Allowed::Any), |node| allowed(node, "anyone", reader));
    let levels = Confidentiality::ALL.map(|level| (level.as_str(), level));
    let clearance = fields
        .may("clearance")
        .map_or(Some(Confidentiality::Public), |node| {
            reader.choice(node, &levels)
        });
    let recoveries = [
        Recovery::Rerun,
        Recovery::Keyed,
        Recovery::Query,
        Recovery::Never,
    ]
    .map(|r| (r.as_str(), r));
    let recovery_node = fields.may("recovery");
    let recovery = recovery_node.map_or(Some(Recovery::Never), |node| {
        reader.choice(node, &recoveries)
    });
    let arguments = fields
        .must("arguments", reader)
        .and_then(|node| schema(node, declared.shapes, reader));
    let result = fields
        .must("result", reader)
        .and_then(|node| schema(node, declared.shapes, reader));
    let sensitive_node = fields.may("sensitive");
    let once_node = fields.may("once_per");
    let rollback = fields
        .may("rollback")
        .map(|node| reader.name::<ToolName>(node));
    let timeout = timeout(&mut fields, reader);
    let connector = fields.must("connector", reader);
    fields.end(reader);
    if let Some(result) = &result {
        labelled(result, declared.shapes, reader);
    }
    let arguments = arguments?;
    let shape = declared.shapes.schema(&arguments.value)?;
    let sensitive = sensitive_node.map_or(Some(vec![Path::root()]), |node| {
        sensitive_in(node, &arguments.value, declared.shapes, reader)
    });
    let once_per = once_node.map_or(Some(Vec::new()), |node| {
        sensitive_in(node, &arguments.value, declared.shapes, reader)
    });
    let connector = connector::read_tool(
        connector?,
        Surroundings {
            shape,
            egress: false,
        },
        reader,
    );
    purpose?;
    let (effect, recovery, connector) = (effect?, recovery?, connector?);
    let (external, sensitive) = (external?, sensitive?);
    if let Some(node) = sensitive_node
        && sensitive.is_empty()
        && (external || effect == Effect::Irreversible)
    {
        let hint = "name the arguments that choose what is acted on, or leave `sensitive` out: then all of them do";
        reader.refuse(
            &node.span,
            "an irreversible or external tool has sensitive arguments",
            hint,
        );
        return None;
    }
    let once_per = once_per?;
    if let Some(node) = once_node
        && !once_per.is_empty()
        && recovery != Recovery::Keyed
    {
        reader.refuse(
            &node.span,
            "what is done once needs a target that takes a key",
            "set `recovery: keyed`, or leave `once_per` out",
        );
        return None;
    }
    let recovery_span = recovery_node.map_or_else(|| head.clone(), |node| node.span.clone());
    if recovery == Recovery::Keyed && !connector.is_keyed() {
        let hint = "give the target the key: `idempotency_header: Idempotency-Key`, or `{idempotency_key}` in the command or address";
        reader.refuse(
            &recovery_span,
            "`keyed` recovery needs a key that reaches the target",
            hint,
        );
        return None;
    }
    if recovery == Recovery::Query && !connector.can_be_asked() {
        let hint = "add `status_url:` with `{idempotency_key}` in it, or choose `never`";
        reader.refuse(
            &recovery_span,
            "`query` recovery needs a way to ask the target",
            hint,
        );
        return None;
    }
    let rollback = match rollback {
        Some(found) => Some(found?),
        None if effect == Effect::Reversible => {
            let hint = "name the tool that undoes it, or declare `effect: irreversible`";
            reader.refuse(&head, "a reversible tool needs `rollback`", hint);
            return None;
        }
        None => None,
    };
    let tool = Tool {
        name: name?.value,
        effect,
        external,
        audience: audience?,
        clearance: clearance?,
        recovery,
        arguments: arguments.value,
        result: result?.value,
        sensitive,
        once_per,
        rollback: rollback.as_ref().map(|at| at.value.clone()),
        timeout_millis: timeout?,
    };
    Some(ReadTool {
        tool,
        connector,
        rollback,
    })
}

/// The arguments that must be trusted or endorsed, as a file names them.
fn sensitive_in(
    node: &Node,
    arguments: &SchemaName,
    shapes: &BundleShapes,
    reader: &mut Reader<'_>,
) -> Option<Vec<Path>> {
    let items = reader.list(node, SENSITIVE_MAX)?;
    let paths: Vec<_> = items
        .iter()
        .map(|item| path_in(item, arguments, shapes, reader))
        .collect();
    paths.into_iter().collect()
}

/// The name, which is the file's too.
pub(crate) fn named<T>(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Option<At<T>>
where
    T: FromStr<Err: Display> + Display,
{
    let name: At<T> = fields
        .must("name", reader)
        .and_then(|node| reader.name(node))?;
    let stem = reader
        .file
        .rsplit('/')
        .next()
        .and_then(|file| file.rsplit_once('.'))
        .map(|(stem, _)| stem);
    if stem != Some(&name.value.to_string()) {
        let hint = format!(
            "rename the file or write `name: {}`",
            stem.unwrap_or_default()
        );
        reader.refuse(
            &name.span,
            format!("the name `{}` is not the file's", name.value),
            hint,
        );
        return None;
    }
    Some(name)
}

fn timeout(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Option<u32> {
    fields.may("timeout").map_or(Some(TIMEOUT_MILLIS), |node| {
        u32::try_from(reader.millis(node, u64::from(TOOL_MILLIS_MAX))?).ok()
    })
}

/// A schema of this bundle, by its path.
pub(crate) fn schema(
    node: &Node,
    shapes: &BundleShapes,
    reader: &mut Reader<'_>,
) -> Option<At<SchemaName>> {
    let text = reader.text(node)?;
    let name = text
        .strip_prefix("schemas/")
        .and_then(|rest| rest.strip_suffix(".json"));
    let name = name.and_then(|name| SchemaName::parse(name).ok());
    match name {
        Some(value) if shapes.schema(&value).is_some() => Some(At {
            value,
            span: node.span.clone(),
        }),
        // The file is there but was refused: that is said at the file, and the rest is still looked at.
        Some(value) if shapes.is_broken(&value) => Some(At {
            value,
            span: node.span.clone(),
        }),
        _ => {
            let files: Vec<String> = shapes
                .names()
                .map(|name| format!("schemas/{name}.json"))
                .collect();
            let hint = one_of(text, files.iter().map(String::as_str));
            reader.refuse(
                &node.span,
                format!("the schema `{text}` is not in this bundle"),
                hint,
            );
            None
        }
    }
}

/// A JSON pointer that leads somewhere in a schema.
pub(crate) fn path_in(
    node: &Node,
    schema: &SchemaName,
    shapes: &BundleShapes,
    reader: &mut Reader<'_>,
) -> Option<Path> {
    let text = reader.text(node)?;
    let Some(path) = Path::parse(text) else {
        reader.refuse(
            &node.span,
            format!("`{text}` is not a JSON pointer"),
            "write for example `/amount` or `/items/*/id`",
        );
        return None;
    };
    match shapes.schema(schema)?.leads(&path) {
        Ok(()) => Some(path),
        Err(astray) => {
            let hint = one_of(&astray.member, astray.declared.iter().map(String::as_str));
            let message = format!(
                "`{text}` leads nowhere in schemas/{schema}.json: no `{}`",
                astray.member
            );
            reader.refuse(&node.span, message, hint);
            None
        }
    }
}

/// Refuses leaves without a label, in the schema's own file.
pub(crate) fn labelled(schema: &At<SchemaName>, shapes: &BundleShapes, reader: &mut Reader<'_>) {
    let Some(found) = shapes.schema(&schema.value) else {
        return;
    };
    for (path, span) in &found.unlabelled {
        let place = if path.segments().is_empty() {
            "the value".to_owned()
        } else {
            format!("`{path}`")
        };
        let hint = "add `\"x-interlock\": {\"confidentiality\": …, \"integrity\": …}` here or on the whole";
        reader.report.refuse(
            &found.file,
            span.clone(),
            format!("{place} has no label"),
            hint,
        );
    }
}
