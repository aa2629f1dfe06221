"""The one exception that is shown to people as it is."""


class WorkbenchError(Exception):
    """Something the user gave cannot be used. The message names the thing, what was expected and what came.

    The command line prints it and exits with 2; a pane shows it as a line. Anything else that is raised is a defect.
    """
