//! The base policies that come with the product. They are always in force, before the operator's own and the
//! bundle's; neither can take one away or reuse its id.

use interlock_core::pipeline::policy::Layer;

use crate::source::PolicySource;

/// One file for each layer, in the layers' order.
pub(crate) fn base() -> [PolicySource; 4] {
    Layer::ALL.map(|layer| PolicySource {
        file: format!("base/{}.cedar", layer.as_str()),
        layer,
        text: match layer {
            Layer::Identity => include_str!("../operator/identity.cedar"),
            Layer::Data => include_str!("../operator/data.cedar"),
            Layer::Action => include_str!("../operator/action.cedar"),
            Layer::Environment => include_str!("../operator/environment.cedar"),
        }
        .to_owned(),
    })
}
