-- The machine whose extract workers read the files of a host. A constant default: no table is rewritten.

-- The boot of the kernel on which the agent of the host runs, or ran last. Extract workers of another one claim no file
-- of the host: the same paths hold other files there. NULL until an agent of this version has claimed the host.
ALTER TABLE hosts ADD COLUMN agent_boot text;
