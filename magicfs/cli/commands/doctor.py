def doctor(): "x"
EXAMPLES=""
