//! What a single policy must be before the engine's own validation sees it: an id and known annotations, no
//! catch-all, and facts that a remedy supplies only beside that remedy.

use cedar_policy::{ActionConstraint, Effect, Policy};
use interlock_core::id::{PolicyId, RoleName};
use interlock_core::limits::QUORUM_MAX;
use interlock_core::pipeline::policy::{Determining, Downgrade, Remedy};

use crate::facts::Facts;
use crate::source::{Piece, PolicyProblem};

/// The id under which a request that cannot be expressed is reported; no policy may have it.
pub(crate) const REQUEST: &str = "request";

/// What is known of a policy beside its text.
pub(crate) fn describe(piece: &Piece<'_>, policy: &Policy) -> Result<Determining, PolicyProblem> {
    let layer = piece.source.layer;
    let written = policy.annotation("id").ok_or_else(|| {
        piece.problem(
            "load a policy: it has no `@id`",
            "write `@id(\"layer.name\")` above it; decisions name policies by their id",
        )
    })?;
    let id = PolicyId::parse(written)
        .ok()
        .filter(|id| id.as_str() != REQUEST)
        .ok_or_else(|| {
            piece.problem_at(
            "@id",
            format!("load policy `{written}`: not a name that a policy may have"),
            format!(
                "1 to 64 of a-z, 0-9, `_`, `-` and `.`, first a letter or digit; not `{REQUEST}`"
            ),
        )
        })?;
    for (name, value) in policy.annotations() {
        match name {
            "id" | "remedy" | "reason" => {}
            "layer" if value == layer.as_str() => {}
            "layer" => {
                return Err(piece.problem_at(
                    "@layer",
                    format!(
                        "load policy `{id}`: `@layer(\"{value}\")` in a file of layer `{layer}`",
                        layer = layer.as_str()
                    ),
                    "move the policy to that layer's file, or leave `@layer` out",
                ));
            }
            _ => {
                return Err(piece.problem_at(
                    &format!("@{name}"),
                    format!("load policy `{id}`: unknown annotation `@{name}`"),
                    "known are `@id`, `@layer`, `@remedy` and `@reason`",
                ));
            }
        }
    }
    let remedy = match policy.annotation("remedy") {
        None => None,
        Some(text) => Some(parse_remedy(text).ok_or_else(|| {
            piece.problem_at(
                "@remedy",
                format!("load policy `{id}`: no remedy is written `{text}`"),
                format!(
                    "write `approval:ROLE:COUNT` with a count of 1 to {QUORUM_MAX}, \
                     `step_up:mfa`, `downgrade:redact` or `downgrade:strip`"
                ),
            )
        })?),
    };
    let forbids = policy.effect() == Effect::Forbid;
    let described = Determining {
        id,
        layer,
        forbids,
        remedy,
    };
    check_facts(piece, policy, &described)?;
    Ok(described)
}

fn parse_remedy(text: &str) -> Option<Remedy> {
    match text.split(':').collect::<Vec<_>>().as_slice() {
        ["approval", role, count] => {
            let canonical = count
                .parse::<u8>()
                .ok()
                .filter(|n| n.to_string() == **count)?;
            let count = (1..=QUORUM_MAX).contains(&canonical).then_some(canonical)?;
            Some(Remedy::Approval {
                role: RoleName::parse(role).ok()?,
                count,
            })
        }
        ["step_up", "mfa"] => Some(Remedy::StepUp),
        ["downgrade", "redact"] => Some(Remedy::Downgrade(Downgrade::Redact)),
        ["downgrade", "strip"] => Some(Remedy::Downgrade(Downgrade::Strip)),
        _ => None,
    }
}

/// Facts that the ladder supplies hypothetically, or that stand in for people.
const LIFTING: [&str; 4] = ["approval", "standing", "step_up", "downgrades"];

fn check_facts(
    piece: &Piece<'_>,
    policy: &Policy,
    described: &Determining,
) -> Result<(), PolicyProblem> {
    let id = &described.id;
    let syntax = policy.to_json().map_err(|error| {
        piece.problem_from(
            &error,
            &format!("read policy `{id}`"),
            "write it in plain Cedar",
        )
    })?;
    let facts = Facts::of(&syntax);
    if facts.whole {
        return Err(piece.problem_at(
            "context",
            format!("load policy `{id}`: it uses `context` as a whole"),
            "name the attribute, for example `context.risk`",
        ));
    }
    let own: &[&str] = match (&described.remedy, described.forbids) {
        (Some(_), false) => {
            return Err(piece.problem_at(
                "@remedy",
                format!("load policy `{id}`: a permit has a remedy"),
                "only what forbids can be lifted: move `@remedy` to a forbid",
            ));
        }
        (None, false) if policy.action_constraint() == ActionConstraint::Any => {
            return Err(piece.problem_at(
                "permit",
                format!("load policy `{id}`: it permits every action"),
                "name the actions: `action == Interlock::Action::\"read_source\"`",
            ));
        }
        (None, _) => &[],
        (Some(Remedy::Approval { .. }), true) => &["approval", "standing"],
        (Some(Remedy::StepUp), true) => &["step_up"],
        (Some(Remedy::Downgrade(_)), true) => &["downgrades"],
    };
    if let Some(fact) = LIFTING
        .into_iter()
        .find(|f| facts.mentions(f) && !own.contains(f))
    {
        let hint = if described.forbids {
            "a forbid reads only what its own `@remedy` supplies; without `@remedy` it is a guard, \
             which nothing lifts"
        } else {
            "a permit says what is possible at all; what needs people, a fresh sign-in or a \
             downgrade is a forbid with `@remedy`"
        };
        return Err(piece.problem_at(
            &format!("context.{fact}"),
            format!("load policy `{id}`: it reads `context.{fact}`"),
            hint,
        ));
    }
    match &described.remedy {
        None => Ok(()),
        Some(remedy) => check_lifted(piece, described, remedy, &facts),
    }
}

/// A remedy whose fact the conditions do not read would ask people for nothing.
fn check_lifted(
    piece: &Piece<'_>,
    described: &Determining,
    remedy: &Remedy,
    facts: &Facts,
) -> Result<(), PolicyProblem> {
    let id = &described.id;
    let reads = |paths: &[&str]| paths.iter().any(|path| facts.mentions(path));
    let missing = match remedy {
        Remedy::Approval { role, count } => {
            let threshold = format!("{role}:{count}");
            if let Some(path) = ["fits", "expired", "by_requester"]
                .into_iter()
                .find(|name| !facts.mentions(&format!("approval.{name}")))
            {
                Some(format!("context.approval.{path}"))
            } else if !reads(&["approval.reached", "approval.count"]) {
                Some(format!(
                    "context.approval.reached.contains(\"{threshold}\")"
                ))
            } else if facts.mentions("approval.reached") && !facts.texts.contains(&threshold) {
                Some(format!("\"{threshold}\""))
            } else {
                None
            }
        }
        Remedy::StepUp => (!reads(&["step_up"])).then(|| "context.step_up".to_owned()),
        // What a downgrade changes is the label of what is left, and whether it still exceeds the clearance. That one
        // was applied says nothing of what this policy is about.
        Remedy::Downgrade(_) if reads(&["downgrades"]) => {
            let hint = "they read `context.downgrades`; read `context.exceeds_clearance` or `context.label`, which a downgrade changes";
            return Err(piece.problem_at(
                "@remedy",
                format!("load policy `{id}`: its remedy is not what its conditions read"),
                hint.to_owned(),
            ));
        }
        Remedy::Downgrade(_) => (!reads(&["exceeds_clearance", "label"]))
            .then(|| "context.exceeds_clearance".to_owned()),
    };
    missing.map_or(Ok(()), |fact| {
        Err(piece.problem_at(
            "@remedy",
            format!("load policy `{id}`: its remedy is not what its conditions read"),
            format!("they do not mention `{fact}`; see docs/policy.md, Remedies"),
        ))
    })
}
