"""From a project's folder to one archive that is the same whenever the content is the same."""
