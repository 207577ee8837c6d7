//! What a case scripts: a model that answers from the case, and stand-ins for sources and tools. A source or tool
//! that the case does not mention is really reached, in a scratch directory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use interlock_bundle::{Bundle, Fault, Says, StandIn, TestCase};
use interlock_core::id::{EndpointName, SourceName, ToolName};
use interlock_core::pipeline::model::CallFault;
use interlock_core::pipeline::source::Reading;
use interlock_core::pipeline::tool::{EffectKnown, ExecutableCall};
use serde_json::Value;

use crate::engine::Doors;
use crate::model::scripted::{ScriptedModel, ScriptedReply};
use crate::source::{SourceFailure, SourceReader};
use crate::tool::{ActMarks, ToolExecutor, ToolFailure};

const fn fault(fault: Fault) -> CallFault {
    match fault {
        Fault::Unavailable | Fault::Overloaded | Fault::Refusal => CallFault::Unavailable,
        Fault::Timeout => CallFault::Timeout,
    }
}

/// The model of a case: replies in order for each alias.
#[must_use]
pub fn scripted_model(case: &TestCase) -> ScriptedModel {
    let mut replies: BTreeMap<EndpointName, Vec<ScriptedReply>> = BTreeMap::new();
    let mut repeated = Vec::new();
    for (alias, list) in &case.replies {
        let Ok(endpoint) = EndpointName::parse(alias.as_str()) else {
            continue;
        };
        for reply in list {
            let scripted = match &reply.says {
                Says::Json(value) => ScriptedReply::Json(value.clone()),
                Says::Text(text) => ScriptedReply::Text(text.clone()),
                Says::Fault(Fault::Refusal) => ScriptedReply::Refusal,
                Says::Fault(other) => ScriptedReply::Fault(fault(*other)),
            };
            if reply.for_each_call {
                repeated.push((endpoint.clone(), scripted));
            } else {
                replies.entry(endpoint.clone()).or_default().push(scripted);
            }
        }
    }
    repeated
        .into_iter()
        .fold(ScriptedModel::new(replies), |model, (endpoint, reply)| {
            model.for_each_call(endpoint, reply)
        })
}

/// The doors of a case.
pub struct CaseDoors {
    sources: BTreeMap<SourceName, StandIn>,
    tools: BTreeMap<ToolName, StandIn>,
    scratch: PathBuf,
}

impl CaseDoors {
    /// From a case, and a directory that real connectors may write to.
    #[must_use]
    pub fn new(case: &TestCase, scratch: &Path) -> Self {
        Self {
            sources: case.sources.clone(),
            tools: case.tools.clone(),
            scratch: scratch.to_owned(),
        }
    }
}

impl Doors for CaseDoors {
    fn tools(&self, bundle: &Bundle) -> Arc<dyn ToolExecutor> {
        let real = crate::tool::Tools::offline(bundle, &self.scratch);
        Arc::new(CaseTools {
            scripted: self.tools.clone(),
            real,
        })
    }

    fn sources(&self, bundle: &Bundle) -> Arc<dyn SourceReader> {
        let real = crate::source::Sources::offline(bundle, &self.scratch);
        Arc::new(CaseSources {
            scripted: self.sources.clone(),
            real,
        })
    }
}

struct CaseTools {
    scripted: BTreeMap<ToolName, StandIn>,
    real: crate::tool::Tools,
}

#[async_trait]
impl ToolExecutor for CaseTools {
    async fn execute(
        &self,
        call: ExecutableCall,
        marks: Option<ActMarks>,
    ) -> Result<Value, ToolFailure> {
        match self.scripted.get(call.tool()) {
            None => self.real.execute(call, marks).await,
            Some(StandIn::Answer(value)) => Ok(value.clone()),
            Some(StandIn::Fault(Fault::Timeout)) => Err(ToolFailure {
                fault: CallFault::Timeout,
                known: EffectKnown::Unknown,
            }),
            Some(StandIn::Fault(other)) => Err(ToolFailure {
                fault: fault(*other),
                known: EffectKnown::NotPerformed,
            }),
        }
    }
}

struct CaseSources {
    scripted: BTreeMap<SourceName, StandIn>,
    real: crate::source::Sources,
}

#[async_trait]
impl SourceReader for CaseSources {
    async fn read(&self, reading: Reading) -> Result<Value, SourceFailure> {
        match self.scripted.get(reading.source()) {
            None => self.real.read(reading).await,
            Some(StandIn::Answer(value)) => Ok(value.clone()),
            Some(StandIn::Fault(other)) => Err(SourceFailure {
                fault: fault(*other),
            }),
        }
    }
}
