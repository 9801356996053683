# Solves the quadratic programs of quadprog.json with R's quadprog and writes them again.
#
#   Rscript tests/golden/make_quadprog.R            # rewrites quadprog*.json beside this script
#   Rscript tests/golden/make_quadprog.R --check    # compares instead, and fails if they differ
#
# The problems (Dmat, dvec, Amat, bvec, meq) are read from the file itself; everything else in it
# is what solve.QP returns. Needs the packages quadprog and jsonlite.

library(jsonlite)
library(quadprog)

arguments <- commandArgs(trailingOnly = FALSE)
script <- sub("^--file=", "", grep("^--file=", arguments, value = TRUE))
folder <- if (length(script)) dirname(script) else "tests/golden"
check <- "--check" %in% arguments

solve_again <- function(problem) {
  found <- solve.QP(
    problem$Dmat, problem$dvec, problem$Amat, problem$bvec, problem$meq
  )
  problem$solution <- found$solution
  problem$value <- found$value
  problem$unconstrained <- found$unconstrained.solution
  problem$iterations <- found$iterations
  problem$Lagrangian <- found$Lagrangian
  problem$iact <- found$iact
  problem
}

refusal <- function(expression) {
  tryCatch({ expression; "no error" }, error = conditionMessage)
}

old <- fromJSON(file.path(folder, "quadprog.json"))
new <- lapply(old, solve_again)

budget <- cbind(rep(1, 3), diag(3))
errors <- list(
  rank_one_D = refusal(solve.QP(matrix(1, 3, 3), rep(0, 3), budget, c(1, 0, 0, 0), meq = 1)),
  # Three weights that sum to one, none of them above 0.2.
  infeasible = refusal(
    solve.QP(diag(3), rep(0, 3), cbind(rep(1, 3), -diag(3)), c(1, -0.2, -0.2, -0.2), meq = 1)
  )
)

if (check) {
  stopifnot(identical(errors, fromJSON(file.path(folder, "quadprog_errors.json"))))
  for (name in names(old)) {
    miss <- max(abs(new[[name]]$solution - old[[name]]$solution))
    cat(sprintf("%-26s largest difference of a solution %.1e\n", name, miss))
    stopifnot(miss <= 1e-12, setequal(new[[name]]$iact, old[[name]]$iact))
  }
} else {
  write_json(
    new, file.path(folder, "quadprog.json"), digits = I(15), auto_unbox = TRUE, pretty = TRUE
  )
  write_json(errors, file.path(folder, "quadprog_errors.json"), auto_unbox = TRUE, pretty = TRUE)
}
