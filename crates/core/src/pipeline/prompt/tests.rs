//! Assembling prompts: layers, data blocks, downgrades.
