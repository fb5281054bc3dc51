@echo off
rem Double-click: opens kdrinks. py is the launcher of python.org, python what the Microsoft Store installs.
cd /d "%~dp0"
where py >nul 2>nul
if errorlevel 1 (python start.py %*) else (py -3 start.py %*)
if errorlevel 1 pause
