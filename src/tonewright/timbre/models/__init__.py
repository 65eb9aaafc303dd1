"""The eight models, a module each: `features(hearing)` what is measured, `value(features)` the regression."""
