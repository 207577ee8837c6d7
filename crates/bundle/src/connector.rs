//! How a source or tool is reached, as its file declares it. Parsed and checked here; reaching is the runtime's.
//! Addresses come from the file and the operator's settings; a value of a run may only fill marked places.

use std::collections::BTreeMap;

use interlock_core::id::SecretName;

use crate::schema::Schema;

mod pattern;
mod read;

pub use pattern::{Pattern, PatternPart};
pub(crate) use read::{read_source, read_tool};

/// How a source is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceConnector {
    /// A file of the bundle or of a folder that the operator configured.
    File(FileConnector),
    /// An HTTP GET.
    Http(HttpConnector),
    /// A local command that only reads.
    Command(CommandConnector),
}

/// How a tool is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolConnector {
    /// An HTTP request with the arguments as JSON body (GET and DELETE: no body).
    Http(HttpConnector),
    /// A local command.
    Command(CommandConnector),
    /// A line of a file in the data directory: a real effect without another system.
    Ledger(LedgerConnector),
}

/// A file that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileConnector {
    /// Where the path starts.
    pub root: FileRoot,
    /// Relative to the root. A field fills it only as a plain file name.
    pub path: Pattern,
    /// What the file holds.
    pub output: ReadOutput,
}

/// Where a file connector's path starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileRoot {
    /// The bundle itself: the path is a key of its files and starts with `data/`.
    Bundle,
    /// A folder that the operator's configuration gives that name.
    Operator(String),
}

/// What is read of a file's or command's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadOutput {
    /// One JSON value.
    Json,
    /// UTF-8 lines, as `{"lines": [{"number": 1, "text": "…"}, …]}`.
    Lines,
}

/// An HTTP request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpConnector {
    /// Its method; a source's is GET.
    pub method: HttpMethod,
    /// Its address.
    pub url: Pattern,
    /// Hosts that it may go to, settings filled in; redirects are held to them too.
    pub hosts: Vec<Pattern>,
    /// Whether loopback, link-local and private addresses are meant.
    pub allow_private: bool,
    /// Headers.
    pub headers: BTreeMap<String, HeaderValue>,
    /// The header that carries the act's idempotency key.
    pub idempotency_header: Option<String>,
    /// Where the target is asked by key whether an act was done (recovery `query`).
    pub status_url: Option<Pattern>,
}

/// An HTTP method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpMethod {
    /// GET
    Get,
    /// POST
    Post,
    /// PUT
    Put,
    /// PATCH
    Patch,
    /// DELETE
    Delete,
}

impl HttpMethod {
    /// All methods.
    pub const ALL: [Self; 5] = [Self::Get, Self::Post, Self::Put, Self::Patch, Self::Delete];

    /// As the protocol spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// A header's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderValue {
    /// As written.
    Text(String),
    /// A secret, by name, after a text such as `Bearer `.
    Secret {
        /// What stands before it.
        prefix: String,
        /// Which secret.
        name: SecretName,
    },
}

/// A local command, started without a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandConnector {
    /// Program and arguments; the program is an absolute path without fields.
    pub argv: Vec<Pattern>,
    /// What it is given.
    pub stdin: CommandInput,
    /// What its output holds.
    pub output: ReadOutput,
}

/// What a command reads from its standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandInput {
    /// Nothing.
    None,
    /// The query or arguments as one JSON value.
    Json,
}

/// A file of one JSON line for each call, in the data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerConnector {
    /// Its plain file name.
    pub file: String,
}

impl ToolConnector {
    /// Whether it hands the act's idempotency key to the target.
    #[must_use]
    pub fn is_keyed(&self) -> bool {
        match self {
            Self::Http(http) => http.idempotency_header.is_some() || http.url.has_key(),
            Self::Command(command) => command.argv.iter().any(Pattern::has_key),
            Self::Ledger(_) => true,
        }
    }

    /// Whether the target can be asked by key what became of an act.
    #[must_use]
    pub const fn can_be_asked(&self) -> bool {
        match self {
            Self::Http(http) => http.status_url.is_some(),
            Self::Command(_) => false,
            Self::Ledger(_) => true,
        }
    }
}

/// What a connector's file may refer to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surroundings<'s> {
    /// The schema of the query or arguments, whose required members may fill places.
    pub(crate) shape: &'s Schema,
    /// Whether the query may choose the host.
    pub(crate) egress: bool,
}
