//! The steps that tests put into workflows, and the short spellings of names, paths and references.

use crate::id::IdError;
use crate::label::Path;
use crate::workflow::{
    AiKind, Arm, Audience, Compose, Condition, Fallbacks, Leaf, ModelStep, Next, Node, NodeKind,
    QuoteCheck, Reconcile, Reference, RetrieveStep, ReviewSpec, ReviewStep, Root, ToolStep,
};

pub(super) fn name<T: std::str::FromStr<Err = IdError>>(text: &str) -> T {
    text.parse().unwrap()
}

pub(super) fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

pub(super) fn from_step(step: &str, at: &str) -> Reference {
    Reference {
        root: Root::Step(name(step)),
        path: path(at),
    }
}

pub(super) fn from_inputs(at: &str) -> Reference {
    Reference {
        root: Root::Inputs,
        path: path(at),
    }
}

pub(super) fn compose(id: usize, leaves: &[(&str, Reference)]) -> Compose {
    let leaves = leaves.iter().map(|(at, from)| Leaf {
        path: path(at),
        references: vec![from.clone()],
    });
    Compose {
        id,
        leaves: leaves.collect(),
    }
}

pub(super) fn spec(quorum: u8) -> ReviewSpec {
    ReviewSpec {
        role: name("approver"),
        quorum,
        expires_seconds: 600,
    }
}

pub(super) fn node(step: &str, kind: NodeKind, next: Next) -> Node {
    Node {
        step: name(step),
        control: Vec::new(),
        kind,
        fallbacks: Fallbacks::default(),
        next,
    }
}

/// `fetch`: reads `notes` by the case id of the input.
pub(super) fn fetch(next: Next) -> Node {
    let query = compose(0, &[("/case", from_inputs("/case"))]);
    node(
        "fetch",
        NodeKind::Retrieve(RetrieveStep {
            source: name("notes"),
            query,
            reconcile: None,
        }),
        next,
    )
}

/// `draft`: writes a text with quotes from what was fetched.
pub(super) fn draft(next: Next) -> Node {
    let evidence = vec![QuoteCheck {
        quotes: path("/quotes/*"),
        within: vec![from_step("fetch", "")],
    }];
    let step = ModelStep {
        kind: AiKind::Generate,
        prompt: name("summary"),
        output: name("summary"),
        model: name("writer"),
        audience: Audience::Internal,
        evidence,
        review: None,
        output_tokens_max: 500,
    };
    node("draft", NodeKind::Model(step), next)
}

/// `send`: an irreversible, external act; `to` is sensitive and comes from the input, `text` from the draft.
pub(super) fn send(next: Next) -> Node {
    let arguments = compose(
        1,
        &[
            ("/to", from_inputs("/to")),
            ("/text", from_step("draft", "/text")),
        ],
    );
    let step = ToolStep {
        tool: name("send"),
        arguments,
        review: Some(spec(1)),
        show: None,
    };
    node("send", NodeKind::Tool(step), next)
}

/// `look`: people are shown what the draft says.
pub(super) fn look(next: Next) -> Node {
    let show = compose(2, &[("/text", from_step("draft", "/text"))]);
    node(
        "look",
        NodeKind::Review(ReviewStep {
            show,
            review: spec(1),
        }),
        next,
    )
}

/// `choose`: goes on by whether the input is urgent.
pub(super) fn choose(yes: Next, no: Option<Next>) -> Node {
    let condition = Condition {
        id: 0,
        references: vec![from_inputs("/urgent")],
    };
    let mut arms = vec![Arm {
        when: Some(condition),
        to: yes,
    }];
    arms.extend(no.map(|to| Arm { when: None, to }));
    node("choose", NodeKind::Branch(arms), Next::End)
}

/// `vendor`: reads the register by what the input says, and reconciles the account.
pub(super) fn vendor(next: Next) -> Node {
    let reconcile = Reconcile {
        expected: compose(4, &[("/account", from_inputs("/account"))]),
        fields: vec![("account".to_owned(), path("/account"))],
    };
    let query = compose(0, &[("/case", from_inputs("/account"))]);
    let step = RetrieveStep {
        source: name("register"),
        query,
        reconcile: Some(reconcile),
    };
    node("vendor", NodeKind::Retrieve(step), next)
}
