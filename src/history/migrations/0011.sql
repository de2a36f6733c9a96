-- What prune removed is asked by time: few files of many.
CREATE INDEX file_removed ON file (pruned_time) WHERE pruned_time IS NOT NULL;

-- Such a note says itself whether the quiesce was seen. Those of before were shown like this.
UPDATE note SET message = 'STILL QUIESCED: ' || message WHERE level = 'STILL_QUIESCED';
