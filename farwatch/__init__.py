"""The ground floor: vocabulary, runtime and storage. Imports none of the other folders."""
