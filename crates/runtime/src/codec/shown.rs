//! The fields that a model was shown: names by label, never a value. The names of a label's parts are those of labels.

use interlock_core::run::{FieldName, ShownFields};
use interlock_journal::Canon;

use super::fault::Flaw;
use super::members::{Reader, Writer};
use super::value::{Value, text};

impl Value for FieldName {
    fn write(&self) -> Result<Canon, Flaw> {
        Canon::text(self.as_str()).map_err(|_| Flaw::form())
    }

    fn read(value: &Canon) -> Result<Self, Flaw> {
        Self::parse(text(value)?).ok_or_else(Flaw::form)
    }
}

impl Value for ShownFields {
    fn write(&self) -> Result<Canon, Flaw> {
        let mut writer = Writer::default();
        writer.put("at", &self.at)?;
        writer.put("cats", &self.categories)?;
        writer.put("conf", &self.confidentiality)?;
        writer.put("int", &self.integrity)?;
        writer.put("withheld", &self.withheld)?;
        Ok(writer.finish())
    }

    fn read(value: &Canon) -> Result<Self, Flaw> {
        let mut reader = Reader::new(value)?;
        let read = Self {
            at: reader.take("at")?,
            categories: reader.take("cats")?,
            confidentiality: reader.take("conf")?,
            integrity: reader.take("int")?,
            withheld: reader.take("withheld")?,
        };
        reader.finish()?;
        Ok(read)
    }
}
