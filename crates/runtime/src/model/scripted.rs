//! Replies that were written beforehand: a bundle's tests and the demo. The script is per endpoint, so each alias
//! needs an endpoint of its own. When a script has run out, the endpoint is unavailable; it never makes one up.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use async_trait::async_trait;
use interlock_core::id::EndpointName;
use interlock_core::pipeline::model::{CallFault, ModelReply, Showing, Stop, Usage};
use serde_json::{Value, json};

use super::{ModelFailure, ModelProvider};

/// One reply of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScriptedReply {
    /// An answer, wrapped as `{"outcome": …}` as the schema for models asks.
    Json(Value),
    /// A text as it is.
    Text(String),
    /// No reply.
    Fault(CallFault),
    /// The model refuses.
    Refusal,
}

/// A model that says what is in its script.
#[derive(Debug, Default)]
pub struct ScriptedModel {
    scripts: Mutex<BTreeMap<EndpointName, VecDeque<ScriptedReply>>>,
    repeated: BTreeMap<EndpointName, ScriptedReply>,
}

impl ScriptedModel {
    /// Replies by endpoint, in the order of its calls.
    #[must_use]
    pub fn new(replies: BTreeMap<EndpointName, Vec<ScriptedReply>>) -> Self {
        let scripts = replies
            .into_iter()
            .map(|(endpoint, replies)| (endpoint, replies.into()));
        Self {
            scripts: Mutex::new(scripts.collect()),
            repeated: BTreeMap::new(),
        }
    }

    /// With a reply for each call that comes after an endpoint's script has run out.
    #[must_use]
    pub fn for_each_call(mut self, endpoint: EndpointName, reply: ScriptedReply) -> Self {
        self.repeated.insert(endpoint, reply);
        self
    }

    /// How many replies are left over, those for each call not counted.
    #[must_use]
    pub fn left(&self) -> usize {
        self.scripts
            .lock()
            .map_or(0, |scripts| scripts.values().map(VecDeque::len).sum())
    }

    fn next(&self, endpoint: &EndpointName) -> Result<ModelReply, ModelFailure> {
        let unavailable = ModelFailure::of(CallFault::Unavailable);
        let mut scripts = self.scripts.lock().map_err(|_poisoned| unavailable)?;
        let scripted = scripts.get_mut(endpoint).and_then(VecDeque::pop_front);
        let reply = scripted
            .or_else(|| self.repeated.get(endpoint).cloned())
            .ok_or(unavailable)?;
        let (text, stop) = match reply {
            ScriptedReply::Json(value) => (json!({"outcome": value}).to_string(), Stop::End),
            ScriptedReply::Text(text) => (text, Stop::End),
            ScriptedReply::Refusal => (String::new(), Stop::Refusal),
            ScriptedReply::Fault(fault) => return Err(ModelFailure::of(fault)),
        };
        let usage = Usage::default();
        Ok(ModelReply {
            text,
            stop,
            usage,
            request_id: None,
            model: Some("scripted".to_owned()),
        })
    }
}

#[async_trait]
impl ModelProvider for ScriptedModel {
    async fn show(&self, showing: &Showing) -> Result<ModelReply, ModelFailure> {
        self.next(showing.endpoint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_said_in_order_and_then_nothing() {
        let name = |text: &str| EndpointName::parse(text).unwrap();
        let script = vec![
            ScriptedReply::Json(json!({"a": 1})),
            ScriptedReply::Text("no json".to_owned()),
            ScriptedReply::Refusal,
            ScriptedReply::Fault(CallFault::Timeout),
        ];
        let model = ScriptedModel::new([(name("writer"), script)].into())
            .for_each_call(name("other"), ScriptedReply::Refusal);
        assert_eq!(model.left(), 4);
        let said = |endpoint: &str| {
            model
                .next(&name(endpoint))
                .map(|reply| (reply.text, reply.stop))
                .map_err(|failure| failure.fault)
        };
        assert_eq!(
            said("writer"),
            Ok(("{\"outcome\":{\"a\":1}}".to_owned(), Stop::End))
        );
        assert_eq!(said("writer"), Ok(("no json".to_owned(), Stop::End)));
        assert_eq!(said("writer"), Ok((String::new(), Stop::Refusal)));
        assert_eq!(said("writer"), Err(CallFault::Timeout));
        assert_eq!(said("writer"), Err(CallFault::Unavailable));
        assert_eq!(said("nobody"), Err(CallFault::Unavailable));
        for _ in 0..3 {
            assert_eq!(said("other"), Ok((String::new(), Stop::Refusal)));
        }
    }
}
