//! Labels of the parts of a JSON value, declared on the fields of its schema. A reference to a part gets the
//! label of its nearest declared ancestor, joined with everything declared beneath it.

use super::Label;

/// One step into a JSON value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PathSegment {
    /// A member of an object.
    Key(String),
    /// Any item of an array: labels do not differ by index.
    Each,
}

/// Where in a JSON value: empty for the whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Path(Vec<PathSegment>);

impl Path {
    /// The whole value.
    #[must_use]
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// Of these steps.
    #[must_use]
    pub const fn new(segments: Vec<PathSegment>) -> Self {
        Self(segments)
    }

    /// From a JSON pointer (RFC 6901) in which `*` stands for any item of an array, for example `/quotes/*/text`.
    #[must_use]
    pub fn parse(pointer: &str) -> Option<Self> {
        if pointer.is_empty() {
            return Some(Self::root());
        }
        let rest = pointer.strip_prefix('/')?;
        Some(Self(
            rest.split('/')
                .map(|part| match part {
                    "*" => PathSegment::Each,
                    key => PathSegment::Key(key.replace("~1", "/").replace("~0", "~")),
                })
                .collect(),
        ))
    }

    /// The steps.
    #[must_use]
    pub fn segments(&self) -> &[PathSegment] {
        &self.0
    }

    /// One step further in.
    #[must_use]
    pub fn then(&self, segment: PathSegment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        Self(segments)
    }

    /// Whether `other` is this place or beneath it.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }

    /// All parts of `value` that this path reaches.
    #[must_use]
    pub fn select<'v>(&self, value: &'v serde_json::Value) -> Vec<&'v serde_json::Value> {
        let mut found = vec![value];
        for segment in &self.0 {
            found = match segment {
                PathSegment::Key(key) => found.into_iter().filter_map(|v| v.get(key)).collect(),
                PathSegment::Each => found
                    .into_iter()
                    .filter_map(|v| v.as_array())
                    .flatten()
                    .collect(),
            };
        }
        found
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|segment| match segment {
            PathSegment::Key(key) => write!(f, "/{}", key.replace('~', "~0").replace('/', "~1")),
            PathSegment::Each => f.write_str("/*"),
        })
    }
}

/// The labels that a schema declares on its fields.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldLabels {
    declared: Vec<(Path, Label)>,
}

impl FieldLabels {
    /// From the declarations, in any order.
    #[must_use]
    pub fn new(mut declared: Vec<(Path, Label)>) -> Self {
        declared.sort();
        Self { declared }
    }

    /// The label of what a reference to `path` yields: the nearest declaration at or above it, joined with
    /// all beneath it. Where nothing is declared, [`Label::unlabelled`].
    #[must_use]
    pub fn at(&self, path: &Path) -> Label {
        let above = self
            .declared
            .iter()
            .filter(|(place, _)| place.contains(path))
            .max_by_key(|(place, _)| place.segments().len())
            .map(|(_, label)| label);
        let beneath = self
            .declared
            .iter()
            .filter(|(place, _)| path.contains(place) && place != path);
        let mut found = above
            .into_iter()
            .chain(beneath.map(|(_, label)| label))
            .peekable();
        if found.peek().is_none() {
            return Label::unlabelled();
        }
        Label::join_all(found)
    }

    /// The declarations.
    pub fn iter(&self) -> impl Iterator<Item = (&Path, &Label)> {
        self.declared.iter().map(|(path, label)| (path, label))
    }
}
