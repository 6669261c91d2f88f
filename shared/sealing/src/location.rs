//! The place where a sealed value is stored.

/// The attribute that contains a sealed value. In any other attribute, the value does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Location<'a> {
    /// The table's logical name (`connections`), not that of the deployed table, since a backup is
    /// always restored to a table with another name.
    pub table: &'a str,
    /// The item's partition key.
    pub partition_key: &'a [u8],
    /// The item's sort key; empty if the table has none.
    pub sort_key: &'a [u8],
    /// The attribute's name.
    pub attribute: &'a str,
}

impl Location<'_> {
    /// The additional data: the header, then each part after its length as 32 bits, so that no two
    /// locations give the same bytes.
    pub(crate) fn additional_data(&self, header: &[u8]) -> Vec<u8> {
        let mut data = header.to_vec();
        let parts =
            [self.table.as_bytes(), self.partition_key, self.sort_key, self.attribute.as_bytes()];
        for part in parts {
            data.extend((part.len() as u32).to_be_bytes());
            data.extend(part);
        }
        data
    }
}
