@echo off
rem Double-click: opens kdrinks. py is the launcher of python.org, python what the Microsoft Store installs.
pushd "%~dp0"
if not exist start.py (echo Unpack the ZIP first: right-click, "Extract All" & pause & exit /b 1)
where py >nul 2>nul
if errorlevel 1 (python start.py %*) else (py -3 start.py %*)
if errorlevel 1 pause
