-- What a row of the journal says of an import of which only the dry run was sent: a hash over what ran in the domain before
-- it, by which a later look tells whether the domain is as it was. Rows of real imports have none.
ALTER TABLE journal ADD COLUMN tried_on TEXT;
