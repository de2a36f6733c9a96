-- What prune removed is asked by time: few files of many.
CREATE INDEX file_removed ON file (pruned_time) WHERE pruned_time IS NOT NULL;
