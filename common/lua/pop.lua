-- POP: what BLMOVE does, without waiting: Redis refuses BLMOVE at full memory, and without this a
-- full Redis could never be drained.
--
-- KEYS  prefix
-- ARGV  worker
-- Returns the element, or nil when the queue is empty.

pass_full_memory()
return call('LMOVE', PREFIX .. 'queue', PREFIX .. 'processing:' .. ARGV[1], 'RIGHT', 'LEFT')
