//! Every bound of the system, in one place, with the unit last. A value over its bound is refused with
//! one clear error; nothing is cut silently.

/// Bytes of a name.
pub const NAME_BYTES_MAX: usize = 64;
/// Bytes of one file of a bundle.
pub const BUNDLE_FILE_BYTES_MAX: usize = 1024 * 1024;
/// Files of one bundle.
pub const BUNDLE_FILES_MAX: usize = 512;
/// Steps of one workflow, nested ones counted.
pub const WORKFLOW_STEPS_MAX: usize = 256;
/// Levels of nested branches in a workflow.
pub const WORKFLOW_DEPTH_MAX: usize = 8;
/// Arms of one branch.
pub const BRANCH_ARMS_MAX: usize = 32;
/// Bytes of a run's input as JSON.
pub const INPUT_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of one source document or answer.
pub const SOURCE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of one tool's result.
pub const TOOL_RESULT_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a rendered prompt, all layers together.
pub const PROMPT_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Bytes of a model's reply.
pub const REPLY_BYTES_MAX: usize = 1024 * 1024;
/// Levels of nesting in any JSON value that enters.
pub const JSON_DEPTH_MAX: usize = 32;
/// Nodes of any JSON value that enters.
pub const JSON_NODES_MAX: usize = 100_000;
/// Rounds of one bounded `for` in a template.
pub const TEMPLATE_ROUNDS_MAX: usize = 10_000;
/// Bytes of one expression in a template or workflow.
pub const EXPRESSION_BYTES_MAX: usize = 4096;
/// Repairs of an invalid reply, for each step.
pub const REPAIRS_MAX: u8 = 5;
/// Attempts of one step over all its retries, models and fallbacks.
pub const ATTEMPTS_MAX: u16 = 32;
/// Bytes of one field's name in an entry.
pub const FIELD_NAME_BYTES_MAX: usize = 256;
/// Bytes for the fields that a model was shown in the entry of its call: with them, every event fits into its entry.
pub const SHOWN_FIELDS_BYTES_MAX: usize = 1536;
/// Events of one run.
pub const RUN_EVENTS_MAX: u64 = 10_000;
/// Entries of one run: beyond [`RUN_EVENTS_MAX`] only what has begun is finished, settled or cancelled.
pub const RUN_ENTRIES_MAX: u64 = RUN_EVENTS_MAX + 1_000;
/// Bytes of a canonical journal entry (DESIGN section 7).
pub const ENTRY_BYTES_MAX: usize = 8 * 1024;
/// Members of any one set in a label.
pub const LABEL_MEMBERS_MAX: usize = 64;
/// Bytes of a label in its one spelling: with it, every event fits into a journal entry.
pub const LABEL_BYTES_MAX: usize = 4 * 1024;
/// Roles of one principal.
pub const ROLES_MAX: usize = 32;
/// People that one value may be about.
pub const SUBJECTS_MAX: usize = 16;
/// Approvals that one review may ask for.
pub const QUORUM_MAX: u8 = 10;
/// Characters of a reviewer's reason.
pub const REASON_CHARS_MAX: usize = 2000;
/// Seconds that a review may stay open.
pub const REVIEW_SECONDS_MAX: u32 = 30 * 24 * 3600;
/// Seconds that a grant lives (DESIGN: short-lived).
pub const GRANT_SECONDS_MAX: u32 = 60;
/// Milliseconds that one tool call may take.
pub const TOOL_MILLIS_MAX: u32 = 300_000;
/// Milliseconds that one model call may take.
pub const MODEL_MILLIS_MAX: u32 = 900_000;
/// Tokens that one model call may produce.
pub const OUTPUT_TOKENS_MAX: u32 = 64_000;
/// Policies of one policy set, operator's and bundle's together.
pub const POLICIES_MAX: usize = 1000;
/// Policies named in one decision.
pub const DETERMINING_POLICIES_MAX: usize = 32;
/// Bytes of an HTTP request body at the server's door.
pub const HTTP_BODY_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Items in one page of a listing.
pub const PAGE_ITEMS_MAX: u32 = 200;
/// Runs that one process drives at the same time.
pub const RUNS_IN_FLIGHT_MAX: usize = 256;
/// Redirects that one outbound call may follow, each checked again.
pub const REDIRECTS_MAX: u8 = 3;
/// Arguments of a local command.
pub const COMMAND_ARGUMENTS_MAX: usize = 64;
/// Quotes checked in one reply.
pub const QUOTES_MAX: usize = 256;
