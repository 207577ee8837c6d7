//! Walks a schema once: known keywords only, bounds on every text, list and mapping, no recursion, and the labels
//! with the leaves that have none.

use std::collections::BTreeMap;

use interlock_core::label::{FieldLabels, Label, Path, PathSegment};

use super::{LABEL_KEY, find, label};
use crate::node::{Kind, Node};
use crate::problem::{Span, one_of};
use crate::reader::Reader;

/// Places of a value that a schema may describe, `$ref` followed.
const PLACES_MAX: usize = 5_000;

pub(super) const KEYWORDS: [&str; 32] = [
    "$schema",
    "$comment",
    "$defs",
    "$ref",
    "title",
    "description",
    "default",
    "examples",
    "type",
    "enum",
    "const",
    "properties",
    "required",
    "additionalProperties",
    "minProperties",
    "maxProperties",
    "items",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "oneOf",
    "anyOf",
    LABEL_KEY,
];

/// Formats whose texts are short by nature.
const SHORT_FORMATS: [&str; 6] = ["date", "date-time", "time", "uuid", "ipv4", "ipv6"];

pub(super) const FORMATS: [&str; 12] = [
    "date",
    "date-time",
    "time",
    "duration",
    "uuid",
    "ipv4",
    "ipv6",
    "email",
    "hostname",
    "uri",
    "regex",
    "json-pointer",
];

const TYPES: [&str; 7] = [
    "object", "array", "string", "integer", "number", "boolean", "null",
];

/// What a walk finds.
#[derive(Debug)]
pub(super) struct Walked {
    pub(super) labels: FieldLabels,
    pub(super) subjects: Vec<Path>,
    pub(super) unlabelled: Vec<(Path, Span)>,
}

/// Walks a schema; `None` where something in it was refused.
pub(super) fn walk(root: &Node, reader: &mut Reader<'_>) -> Option<Walked> {
    let mut walk = Walk {
        root,
        reader,
        sound: true,
        places: 0,
        following: Vec::new(),
        alternatives: 0,
        labels: BTreeMap::new(),
        subjects: Vec::new(),
        unlabelled: Vec::new(),
    };
    walk.schema(root, &Path::root(), false);
    let Walk {
        sound,
        labels,
        subjects,
        unlabelled,
        ..
    } = walk;
    let labels = FieldLabels::new(labels.into_iter().collect());
    sound.then_some(Walked {
        labels,
        subjects,
        unlabelled,
    })
}

struct Walk<'w, 'r, 'f> {
    root: &'w Node,
    reader: &'r mut Reader<'f>,
    sound: bool,
    places: usize,
    following: Vec<String>,
    /// How many `oneOf` and `anyOf` are around.
    alternatives: usize,
    labels: BTreeMap<Path, Label>,
    subjects: Vec<Path>,
    unlabelled: Vec<(Path, Span)>,
}

impl<'w> Walk<'w, '_, '_> {
    fn refuse(&mut self, span: &Span, message: impl Into<String>, hint: impl Into<String>) {
        self.sound = false;
        self.reader.refuse(span, message, hint);
    }

    fn schema(&mut self, node: &'w Node, path: &Path, labelled: bool) {
        self.places += 1;
        if self.places > PLACES_MAX {
            if self.places == PLACES_MAX + 1 {
                let message = format!("the schema describes more than {PLACES_MAX} places");
                self.refuse(&node.span, message, "");
            }
            return;
        }
        if !matches!(node.kind, Kind::Map(_)) {
            return self.refuse(
                &node.span,
                "a schema is a mapping",
                format!("here is {}", node.noun()),
            );
        }
        // A misspelt keyword is one problem, not also the bound that it would have been.
        let misspelt = node
            .members()
            .iter()
            .any(|(key, _)| !KEYWORDS.contains(&key.name.as_str()));
        for (key, _) in node.members() {
            if !KEYWORDS.contains(&key.name.as_str()) {
                let hint = match crate::problem::nearest(&key.name, KEYWORDS) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "docs/bundle.md lists the keywords that schemas may use".to_owned(),
                };
                self.refuse(&key.span, format!("unknown keyword `{}`", key.name), hint);
            }
        }
        self.alone(node);
        let labelled = self.label(node, path) || labelled;
        if let Some(target) = node.get("$ref") {
            return self.follow(target, path, labelled);
        }
        let mut inner = false;
        for branches in ["oneOf", "anyOf"]
            .into_iter()
            .filter_map(|key| node.get(key))
        {
            inner = true;
            match &branches.kind {
                Kind::List(items) if !items.is_empty() => {
                    // A label within one alternative would hide what another says of the same place.
                    self.alternatives += 1;
                    items
                        .iter()
                        .for_each(|item| self.schema(item, path, labelled));
                    self.alternatives -= 1;
                }
                _ => self.refuse(&branches.span, "a list of schemas belongs here", ""),
            }
        }
        let types = self.types(node);
        let fixed = node.get("enum").is_some() || node.get("const").is_some();
        if types.is_empty() && !fixed && !inner {
            self.refuse(
                &head(node),
                "this schema accepts anything",
                "give it a `type`",
            );
        }
        for kind in &types {
            match *kind {
                "array" | "string" if misspelt => {}
                "object" => self.object(node, path, labelled),
                "array" => self.array(node, path, labelled),
                "string" if !fixed => self.text(node),
                _ => {}
            }
        }
        let leaf = types.iter().any(|kind| !["object", "array"].contains(kind))
            || (fixed && types.is_empty());
        if leaf && !labelled {
            self.unlabelled.push((path.clone(), head(node)));
        }
    }

    /// Keywords that the validator would apply and nobody has read labels of: beside a reference, or of another type.
    fn alone(&mut self, node: &'w Node) {
        let types: Vec<&str> = match node.get("type").map(|declared| &declared.kind) {
            Some(Kind::List(items)) => items.iter().filter_map(Node::text).collect(),
            Some(_) => node.get("type").and_then(Node::text).into_iter().collect(),
            None => Vec::new(),
        };
        let reference = node.get("$ref").is_some();
        for (key, _) in node.members() {
            let of = match key.name.as_str() {
                "$ref" | "$defs" | "$schema" | "title" | "description" | "default" | "examples"
                | LABEL_KEY => continue,
                "properties" | "required" | "additionalProperties" => Some("object"),
                "items" | "minItems" | "maxItems" | "uniqueItems" => Some("array"),
                _ => None,
            };
            if reference {
                let hint = "put it into the `$defs` that is referred to, or write the schema out";
                self.refuse(
                    &key.span,
                    format!("`{}` stands beside a `$ref`", key.name),
                    hint,
                );
            } else if let Some(of) = of
                && !types.contains(&of)
            {
                let hint = format!("add `\"type\": \"{of}\"`");
                self.refuse(
                    &key.span,
                    format!("`{}` is of another type", key.name),
                    hint,
                );
            }
        }
    }

    /// The declared label; whether there is one.
    fn label(&mut self, node: &'w Node, path: &Path) -> bool {
        let Some(declared) = node.get(LABEL_KEY) else {
            return false;
        };
        if self.alternatives > 0 {
            let hint = "declare it beside `oneOf` or `anyOf`, for all of them: the strictest that any needs";
            self.refuse(
                &head(declared),
                "a label stands within an alternative",
                hint,
            );
            return true;
        }
        let Some(declared) = label::read(declared, self.reader) else {
            self.sound = false;
            return true;
        };
        if declared.subject {
            if self.types(node).contains(&"string") {
                self.subjects.push(path.clone());
            } else {
                self.refuse(
                    &head(node),
                    "only a text can name a subject",
                    "give it `\"type\": \"string\"`",
                );
            }
        }
        let Some(label) = declared.label else {
            return false;
        };
        // Two alternatives of one place: the stricter of both.
        let joined = self
            .labels
            .get(path)
            .map_or_else(|| label.clone(), |known| known.join(&label));
        self.labels.insert(path.clone(), joined);
        true
    }

    fn follow(&mut self, target: &'w Node, path: &Path, labelled: bool) {
        let Some(pointer) = target.text().filter(|text| text.starts_with("#/$defs/")) else {
            let hint = "a schema refers to its own `#/$defs/NAME` only; nothing is fetched";
            return self.refuse(&target.span, "this reference leads out of the file", hint);
        };
        if self.following.iter().any(|known| known == pointer) {
            let hint = "a schema that refers to itself has no bound: write the levels out";
            return self.refuse(&target.span, format!("`{pointer}` refers to itself"), hint);
        }
        let Some(found) = find(self.root, &pointer.replacen('#', "", 1)) else {
            let names: Vec<&str> = self
                .root
                .get("$defs")
                .map(|defs| {
                    defs.members()
                        .iter()
                        .map(|(key, _)| key.name.as_str())
                        .collect()
                })
                .unwrap_or_default();
            let hint = one_of(pointer.trim_start_matches("#/$defs/"), names);
            return self.refuse(
                &target.span,
                format!("`{pointer}` is not in this file"),
                hint,
            );
        };
        self.following.push(pointer.to_owned());
        self.schema(found, path, labelled);
        self.following.pop();
    }

    fn types(&mut self, node: &'w Node) -> Vec<&'w str> {
        let Some(declared) = node.get("type") else {
            return Vec::new();
        };
        let items = match &declared.kind {
            Kind::List(items) => items.as_slice(),
            _ => std::slice::from_ref(declared),
        };
        let mut types = Vec::new();
        for item in items {
            match item.text() {
                Some(name) if TYPES.contains(&name) => types.push(name),
                other => {
                    let hint = one_of(other.unwrap_or_default(), TYPES);
                    self.refuse(&item.span, "this is not a type", hint);
                }
            }
        }
        types
    }

    fn object(&mut self, node: &'w Node, path: &Path, labelled: bool) {
        let open = !matches!(
            node.get("additionalProperties").map(|n| &n.kind),
            Some(Kind::Bool(false))
        );
        if open {
            let hint = "add `\"additionalProperties\": false`: what is not declared has no label and no bound";
            self.refuse(
                &head(node),
                "this object takes members that are not declared",
                hint,
            );
        }
        let properties = node.get("properties");
        let names: Vec<&str> = properties
            .map(|p| {
                p.members()
                    .iter()
                    .map(|(key, _)| key.name.as_str())
                    .collect()
            })
            .unwrap_or_default();
        for (key, schema) in properties.map(Node::members).unwrap_or_default() {
            self.schema(
                schema,
                &path.then(PathSegment::Key(key.name.clone())),
                labelled,
            );
        }
        if let Some(Kind::List(required)) = node.get("required").map(|n| &n.kind) {
            for item in required {
                let name = item.text().unwrap_or_default();
                if !names.contains(&name) {
                    let message = format!("`{name}` is required but not declared");
                    self.refuse(&item.span, message, one_of(name, names.iter().copied()));
                }
            }
        }
    }

    fn array(&mut self, node: &'w Node, path: &Path, labelled: bool) {
        if node.get("maxItems").is_none() {
            self.refuse(
                &head(node),
                "this array has no bound",
                "add `\"maxItems\": …`",
            );
        }
        match node.get("items") {
            Some(items) => self.schema(items, &path.then(PathSegment::Each), labelled),
            None => self.refuse(
                &head(node),
                "this array takes items of any kind",
                "add `\"items\": …`",
            ),
        }
    }

    fn text(&mut self, node: &'w Node) {
        let format = node.get("format");
        if let Some(format) = format {
            let name = format.text().unwrap_or_default();
            if !FORMATS.contains(&name) {
                let message = format!("the format `{name}` is not checked here");
                return self.refuse(&format.span, message, one_of(name, FORMATS));
            }
        }
        let short = format
            .and_then(Node::text)
            .is_some_and(|name| SHORT_FORMATS.contains(&name));
        if node.get("maxLength").is_none() && !short {
            self.refuse(
                &head(node),
                "this text has no bound",
                "add `\"maxLength\": …`",
            );
        }
    }
}

/// The first key, which stands for the schema where the whole would be too much to underline.
fn head(node: &Node) -> Span {
    node.get("type")
        .map(|found| found.span.clone())
        .or_else(|| node.members().first().map(|(key, _)| key.span.clone()))
        .unwrap_or_else(|| node.span.clone())
}
