//! Receipts, `c2sp.org/tlog-proof@v1`: an entry's index, its inclusion proof and the checkpoint that the
//! proof leads to, in one text. With the log's key and the entry it verifies without the log.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::checkpoint::{self, CheckpointFault, Opened, parse_hash, parse_number};
use crate::hash::leaf_hash;
use crate::note::{NOTE_BYTES_MAX, VerifierKey};
use crate::tree::{NodeHash, PROOF_HASHES_MAX, ProofFault, SIZE_MAX, verify_inclusion};

/// First line of every receipt.
const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// Most bytes of a receipt's extra data.
pub const EXTRA_BYTES_MAX: usize = 64 * 1024;

/// Most bytes of a receipt: checkpoint, proof, and extra data in base64.
pub const RECEIPT_BYTES_MAX: usize = NOTE_BYTES_MAX + 128 * 1024;

/// An offline proof that a log holds an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The entry's index in the log.
    pub index: u64,
    /// Hashes from the leaf's sibling to the root's child.
    pub proof: Vec<NodeHash>,
    /// The checkpoint as it was signed, byte for byte.
    pub checkpoint: Vec<u8>,
    /// What whoever made the receipt added. Nobody signed it: never trust it.
    pub extra: Option<Vec<u8>>,
}

/// What is wrong with a receipt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptFault {
    /// Above `RECEIPT_BYTES_MAX`.
    #[error("receipt has `{0}` bytes, more than are read")]
    Bytes(usize),
    /// Not UTF-8, another first line, or no checkpoint.
    #[error("receipt is not a `c2sp.org/tlog-proof@v1`")]
    Shape,
    /// A line before the checkpoint is malformed.
    #[error("line `{0}` of the receipt is malformed")]
    Line(usize),
    /// The checkpoint does not hold.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointFault),
    /// The proof does not hold.
    #[error(transparent)]
    Proof(#[from] ProofFault),
}

impl Receipt {
    /// The receipt's text.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut text = format!("{HEADER}\n");
        if let Some(extra) = &self.extra {
            text.push_str(&format!("extra {}\n", STANDARD.encode(extra)));
        }
        text.push_str(&format!("index {}\n", self.index));
        for hash in &self.proof {
            text.push_str(&format!("{}\n", STANDARD.encode(hash.to_bytes())));
        }
        text.push('\n');
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(&self.checkpoint);
        bytes
    }

    /// From such a text. The checkpoint is taken as it is, and read only by `verify`.
    ///
    /// # Errors
    /// Every other text, and one above the bounds of this module.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReceiptFault> {
        if bytes.len() > RECEIPT_BYTES_MAX {
            return Err(ReceiptFault::Bytes(bytes.len()));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| ReceiptFault::Shape)?;
        let (head, note) = text.split_once("\n\n").ok_or(ReceiptFault::Shape)?;
        let mut lines = head.split('\n').zip(1usize..).peekable();
        if lines.next().is_none_or(|(line, _)| line != HEADER) {
            return Err(ReceiptFault::Shape);
        }
        let mut extra = None;
        if let Some((encoded, number)) = lines
            .peek()
            .and_then(|(line, number)| Some((line.strip_prefix("extra ")?, *number)))
        {
            let bytes = STANDARD.decode(encoded).ok();
            let bytes = bytes.filter(|bytes| (1..=EXTRA_BYTES_MAX).contains(&bytes.len()));
            extra = Some(bytes.ok_or(ReceiptFault::Line(number))?);
            lines.next();
        }
        let (line, number) = lines.next().ok_or(ReceiptFault::Shape)?;
        let index = line
            .strip_prefix("index ")
            .and_then(parse_number)
            .filter(|index| *index < SIZE_MAX)
            .ok_or(ReceiptFault::Line(number))?;
        let mut proof = Vec::new();
        for (line, number) in lines {
            let hash = parse_hash(line).filter(|_| proof.len() < PROOF_HASHES_MAX);
            proof.push(hash.ok_or(ReceiptFault::Line(number))?);
        }
        Ok(Self {
            index,
            proof,
            checkpoint: note.as_bytes().to_vec(),
            extra,
        })
    }

    /// Verifies that the log `origin`, whose keys and witnesses are `keys`, holds `leaf` at `index`.
    ///
    /// # Errors
    /// A checkpoint that does not open, and a proof that does not lead to its root.
    pub fn verify(
        &self,
        leaf: &[u8],
        origin: &str,
        keys: &[VerifierKey],
    ) -> Result<Opened, ReceiptFault> {
        let opened = checkpoint::open(&self.checkpoint, origin, keys)?;
        let (size, root) = (opened.checkpoint.size, opened.checkpoint.root);
        verify_inclusion(leaf_hash(leaf), self.index, size, &self.proof, root)?;
        Ok(opened)
    }
}
